"""The test session's own PostgreSQL and Valkey, begun from a migrated copy kept between runs."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config.local_stack.environment import ROOT
from config.local_stack.postgres import EmbeddedPostgres, discard
from config.local_stack.schema import fingerprint
from config.local_stack.valkey import EmbeddedValkey

SESSION_VARIABLE = "MARQUEE_TEST_SERVERS"  # the session's folder, for xdist's workers
# Set when REDIS_URL names a server of ours: each of xdist's workers then starts its own.
_VALKEY_VARIABLE = "MARQUEE_TEST_VALKEY"
_KEPT_COPIES = 3
_COMPLETE = "complete"
# Small WAL files: the copy that every session begins with stays small.
_INITDB_OPTIONS = ("--wal-segsize=1",)


def session_folder() -> Path | None:
    """Give the folder of this session's embedded PostgreSQL; None when DATABASE_URL came from outside."""
    folder = os.environ.get(SESSION_VARIABLE)
    return Path(folder) if folder else None


def session_postgres() -> EmbeddedPostgres:
    """Describe the session's server (to connect to it; only its owner starts and stops it)."""
    folder = session_folder()
    if folder is None:
        raise LookupError("this session uses the PostgreSQL of DATABASE_URL")
    return EmbeddedPostgres(folder, durable=False)


def schema_key() -> str:
    """Name the copy that fits today's migrations and today's way of making it."""
    own = Path(__file__).parents[1]
    return fingerprint([own / "postgres.py", *(own / "testing").glob("*.py")])


def _cache() -> Path:
    folder = Path(os.environ.get("DATA_DIR", ".local"))
    return (folder if folder.is_absolute() else ROOT / folder) / "test-cache"


@contextlib.contextmanager
def _cache_lock() -> Iterator[Path]:
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield cache


def start_postgres(folder: Path) -> EmbeddedPostgres:
    """Start the session's server, from the migrated copy when there is one for today's schema."""
    server = EmbeddedPostgres(folder, durable=False, initdb_options=_INITDB_OPTIONS)
    with _cache_lock() as cache:
        copy = cache / schema_key()
        if (copy / _COMPLETE).exists():
            server.adopt(copy)
            (copy / _COMPLETE).touch()
    server.start()
    return server


def keep_copy(server: EmbeddedPostgres) -> None:
    """Keep the freshly migrated server for the next sessions; a few of the newest schemas are kept."""
    with _cache_lock() as cache:
        copy = cache / schema_key()
        if (copy / _COMPLETE).exists():
            return
        discard(copy)
        server.backup_to(copy)
        (copy / _COMPLETE).touch()
        for old in sorted(cache.glob(f"*/{_COMPLETE}"), key=lambda file: -file.stat().st_mtime)[
            _KEPT_COPIES:
        ]:
            discard(old.parent)


class SessionServers:
    """What one pytest process started, and how it ends.

    PostgreSQL is shared with xdist's workers (a database each); Valkey is not: each process has its own,
    so that a test may stop it and nobody else's publish and subscribe is heard.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="marquee-test-"))
        # The server's account walks through; it cannot list.
        self.folder.chmod(0o711)
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None

    def start(self) -> None:
        """Start what the environment does not name already, and name it there."""
        if "DATABASE_URL" not in os.environ:
            self.postgres = start_postgres(self.folder)
            self.postgres.ensure_role()
            os.environ[SESSION_VARIABLE] = str(self.folder)
            os.environ["DATABASE_URL"] = self.postgres.url()
        if "REDIS_URL" not in os.environ or _VALKEY_VARIABLE in os.environ:
            self.valkey = EmbeddedValkey(self.folder, durable=False)
            self.valkey.start()
            os.environ[_VALKEY_VARIABLE] = "embedded"
            os.environ["REDIS_URL"] = self.valkey.url()

    def stop(self) -> None:
        """End the servers and delete their data; safe to call twice."""
        if self.valkey is not None:
            self.valkey.stop()
        if self.postgres is not None:
            # Nothing of it is needed again: no shutdown checkpoint.
            self.postgres.kill()
        if self.folder.exists():
            if self.postgres is not None:
                discard(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
