"""Where a server may live and as whom it runs when we are root: PostgreSQL refuses to run as root."""

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.local_stack.errors import StackError

# A folder every account can traverse; used only by root, and only where the wanted place is closed to others.
SHARED_PLACE = Path("/var/lib/marquee")
_KNOWN_ACCOUNTS = ("postgres", "_postgres", "nobody")
_OWN_ACCOUNT = "marquee"


@dataclass(frozen=True)
class Account:
    """An account of the system without rights over ours."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Choose the account for servers: None (our own) unless we are root.

    An existing unprivileged account is preferred; one is created only where there is none.
    """
    if os.geteuid() != 0:
        return None
    for name in (*_KNOWN_ACCOUNTS, _OWN_ACCOUNT):
        if (account := _find(name)) is not None:
            return account
    useradd = shutil.which("useradd")
    if useradd is None:
        raise StackError(
            "PostgreSQL cannot run as root and no unprivileged account was found; "
            "create one named marquee, or run as a normal user"
        )
    subprocess.run(
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _OWN_ACCOUNT], check=True
    )
    created = _find(_OWN_ACCOUNT)
    if created is None:
        raise StackError(f"the account {_OWN_ACCOUNT} was created but cannot be found")
    return created


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return None if entry.pw_uid == 0 else Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_traverse(folder: Path, account: Account | None) -> bool:
    """Say whether the account can walk into `folder` through all its parents."""
    if account is None:
        return True
    groups = {account.gid, *(group.gr_gid for group in grp.getgrall() if account.name in group.gr_mem)}
    resolved = folder.resolve()
    return all(
        _may_enter(step, account.uid, groups) for step in (resolved, *resolved.parents) if step.exists()
    )


def _may_enter(folder: Path, uid: int, groups: set[int]) -> bool:
    status = folder.stat()
    if status.st_uid == uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid in groups:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def server_folder(wanted: Path, account: Account | None) -> Path:
    """Give a folder of the account's own at `wanted`, or in SHARED_PLACE when it cannot reach that.

    Nobody's parent folders are changed: the data goes where the account can go.
    """
    wanted = wanted.absolute()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    place = wanted
    if not can_traverse(wanted.parent, account):
        digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:16]
        place = SHARED_PLACE / "data" / f"{wanted.name}-{digest}"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    place.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(place, account.uid, account.gid)
    return place
