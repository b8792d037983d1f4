"""The servers of somebody who is not root. CONTRACT `make run`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local_stack import unprivileged
from config.local_stack.environment import ROOT


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that any account can reach: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="marquee-user-"))
    yield folder
    shutil.rmtree(folder)


def test_a_normal_user_starts_and_stops_both_servers_in_their_own_folder(open_folder: Path) -> None:
    """Nothing of it needs root, or another account: processes and files are that user's. REQ OP-03."""
    account = unprivileged.server_account()
    uid = account.uid if account else os.geteuid()
    done = subprocess.run(
        [sys.executable, "-m", "config.local_stack.tests.normal_user", str(open_folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert uid != 0
    assert (seen["uid"], seen["answered"], seen["servers"], seen["files"]) == (uid, True, [uid, uid], [uid])
    assert seen["cluster"] == str(open_folder / "data" / "postgres")
    assert seen["left"] == []
