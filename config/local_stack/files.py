"""Small files of the data folder: written whole or not at all, secrets readable by their owner only."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from config.local_stack.errors import StackError


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step; only the owner may read it (mode 0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def parse_env(text: str, *, source: str) -> dict[str, str]:
    """Read `NAME=value` lines; blank lines, comments, `export` and surrounding quotes are allowed.

    Raises StackError with the line's number for anything else.
    """
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not name.strip().isidentifier():
            raise StackError(f"{source}, line {number}: expected NAME=value")
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    # A comment behind an unquoted value needs a space before it: passwords may hold a "#".
    return value.partition(" #")[0].rstrip()


def read_env(path: Path) -> dict[str, str]:
    """Read an environment file; an absent one is empty."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return parse_env(text, source=str(path))


def format_env(values: Mapping[str, str]) -> str:
    """Write what `parse_env` reads, sorted by name."""
    return "".join(f'{name}="{values[name]}"\n' for name in sorted(values))


def tail(log: Path, lines: int = 15) -> str:
    """Give the last lines of a log for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
