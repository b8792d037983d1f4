"""PostgreSQL and Valkey as a normal user runs them: `normal_user.py FOLDER` gives up what it may and starts both there.

Prints what it saw as JSON. As root it becomes the account that servers run as; else it is a normal user already.
"""

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import psycopg

from config.local_stack import processes, unprivileged, valkey
from config.local_stack.binaries import postgres_programs, valkey_program
from config.local_stack.postgres import EmbeddedPostgres


def _become(account: unprivileged.Account, folder: Path) -> Path:
    """Become the account, for good, and return PostgreSQL's programs where it can reach them."""
    programs = postgres_programs(account)
    if not unprivileged.can_traverse(valkey_program().parent, account):
        own = folder / "valkey-server"
        shutil.copy2(valkey_program(), own)
        valkey.valkey_program = lambda: own
    # Python's own files may lie where the account cannot go: what is loaded on first use is loaded now.
    socket.getaddrinfo("127.0.0.1", 9)
    os.chown(folder, account.uid, account.gid)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    return programs


def _seen(folder: Path, programs: Path | None) -> dict[str, Any]:
    postgres, cache = EmbeddedPostgres(folder / "data"), valkey.EmbeddedValkey(folder / "data")
    if programs is not None:
        postgres.programs = programs
    postgres.start()
    try:
        postgres.ensure_database()
        cache.start()
        with psycopg.connect(postgres.url()) as connection, cache.client() as client:
            answered = connection.execute("SELECT 42").fetchone() == (42,) and client.ping() is True
        files = (postgres.cluster / "postmaster.pid", cache.data_dir / "valkey" / "valkey.pid")
        pids = [int(file.read_text().splitlines()[0]) for file in files]
        owners = [Path(f"/proc/{pid}").stat().st_uid for pid in pids]
    finally:
        cache.stop()
        postgres.stop()
    return {
        "uid": os.getuid(),
        "answered": answered,
        "servers": owners,
        "files": sorted({path.stat().st_uid for path in (folder / "data").rglob("*")}),
        "cluster": str(postgres.cluster),
        "left": [pid for pid in pids if processes.identity(pid) is not None],
    }


def main() -> None:
    """Start and stop both."""
    folder, account = Path(sys.argv[1]), unprivileged.server_account()
    programs = _become(account, folder) if account is not None else None
    sys.stdout.write(json.dumps(_seen(folder, programs)))


if __name__ == "__main__":
    main()
