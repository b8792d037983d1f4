"""The lines of a page of the docs, typed into a shell as they stand."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.local_stack.environment import ROOT
from config.local_stack.testing import patience

_SECONDS = patience.LONG_SECONDS
# Blocks without a language are for the shell.
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The page's addresses are those of `make run`.
_PORTS = {"8000": "PORT", "8001": "STRIPE_SANDBOX_PORT", "8002": "REALTIME_PORT", "8003": "MAIL_PORT"}
# Of each answer its status, beside what the reader sees.
_WATCHED = """set -euo pipefail
curl() { command curl --write-out '%{stderr}answered %{http_code} %{url}\\n' "$@"; }
"""
_ANSWER = re.compile(r"^answered (\d+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one ``curl`` was answered."""

    status: int
    path: str


@dataclass(frozen=True, slots=True)
class Typed:
    """How a page's lines ended. ``said``: what stood on the screen."""

    exit_code: int
    said: str
    answers: tuple[Answer, ...]


def of(page: str, ports: Mapping[str, str], folder: Path) -> Typed:
    """Type every line of the page but ``make``, in one shell, beside a running product."""
    found = _BLOCK.findall((ROOT / page).read_text())
    blocks = [block for language, block in found if not language and not block.startswith("make ")]
    lines = re.sub(
        r"127\.0\.0\.1:(\d{4})", lambda found: f"127.0.0.1:{ports[_PORTS[found[1]]]}", "\n".join(blocks)
    )
    done = subprocess.run(
        ["bash", "-c", _WATCHED + lines],
        cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    answers = tuple(Answer(int(status), urlsplit(url).path) for status, url in _ANSWER.findall(done.stderr))
    return Typed(done.returncode, done.stdout + done.stderr, answers)
