"""A PostgreSQL server of our own: real, on loopback TCP, with a password, started from the wheel."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.local_stack import ports, processes
from config.local_stack.binaries import postgres_programs
from config.local_stack.errors import StackError
from config.local_stack.files import tail, write_private
from config.local_stack.unprivileged import server_account, server_folder

SUPERUSER = "postgres"
OWNER = "marquee"
_START_TRIES = 3

_ALWAYS = {
    "listen_addresses": ports.LOOPBACK,
    # No socket file: its path is limited to about 100 bytes and a data folder may be deeper.
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # The passwords are random: to make guessing slow would only make each connection slow.
    "scram_iterations": "1",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # When it comes by is chance, and it changes what plans cost: tests that look at plans analyze for themselves.
    "autovacuum": "off",
    "checkpoint_timeout": "1d",
}


@dataclass(frozen=True)
class Access:
    """How the server is reached; kept beside the data, readable by its owner only."""

    port: int
    superuser_password: str
    password: str


class EmbeddedPostgres:
    """One server on one data folder.

    `data_dir` holds `postgres/` (the cluster) and `postgres.json` (port and passwords, 0600). With
    `durable=False` a crash of the machine may lose data: for tests only. A killed server (`kill`)
    recovers at the next start in both cases.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
        initdb_options: tuple[str, ...] = (),
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._wanted_port = port
        self._settings = {**_ALWAYS, **({} if durable else _NOT_DURABLE), **(settings or {})}
        self._log = log or self.data_dir / "postgres.log"
        self._initdb_options = initdb_options
        self._process: subprocess.Popen[bytes] | None = None
        self._account = server_account()
        self.programs = postgres_programs(self._account)
        self.cluster = self.data_dir / "postgres"

    # -- preparing ------------------------------------------------------------------------------

    @property
    def access(self) -> Access:
        """Port and passwords; StackError before `prepare`."""
        try:
            return Access(**json.loads(self._access_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StackError(f"no PostgreSQL was prepared in {self.data_dir}") from None

    @property
    def _access_file(self) -> Path:
        return self.data_dir / "postgres.json"

    def prepare(self) -> None:
        """Create the cluster on first use, end a server left over from a killed run, choose the port."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.cluster = server_folder(self.data_dir / "postgres", self._account)
        if not self._access_file.exists():
            self._write_access(Access(0, secrets.token_hex(16), secrets.token_hex(16)))
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster()
        self._end_leftover()
        self._choose_port()

    def adopt(self, template: Path) -> None:
        """Begin with a copy of the stopped server in the data folder `template`: takes milliseconds."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        source = server_folder(template / "postgres", self._account)
        self.cluster = server_folder(self.data_dir / "postgres", self._account)
        subprocess.run(["cp", "-a", f"{source}/.", str(self.cluster)], check=True)
        shutil.copy2(template / "postgres.json", self._access_file)
        self._write_access(Access(0, self.access.superuser_password, self.access.password))

    def _write_access(self, access: Access) -> None:
        write_private(self._access_file, json.dumps(asdict(access)))

    def _choose_port(self) -> None:
        access = self.access
        port = self._wanted_port or access.port
        if self._wanted_port == 0 and (port == 0 or not ports.is_free(port)):
            port = ports.free_port()
        self._write_access(Access(port, access.superuser_password, access.password))

    def _create_cluster(self) -> None:
        # A first start that was killed leaves half a cluster, and initdb refuses a folder with files.
        for entry in self.cluster.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        # Named after the cluster: as root, clusters of several stacks may lie side by side.
        prefix = f".initdb-{self.cluster.name}-"
        with tempfile.TemporaryDirectory(dir=self.cluster.parent, prefix=prefix) as scratch:
            password = Path(scratch) / "password"
            write_private(password, self.access.superuser_password)
            if self._account is not None:
                for path in (scratch, password):
                    os.chown(path, self._account.uid, self._account.gid)
            self._run(
                "initdb", "-D", str(self.cluster), "-U", SUPERUSER, "--pwfile", str(password),
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", *self._initdb_options,
            )  # fmt: skip

    def _run(self, program: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        account = self._account
        result = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd="/",
            env={"LC_ALL": "C", **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if result.returncode != 0:
            raise StackError(f"{program} failed: {(result.stderr or result.stdout).strip()}")

    def _end_leftover(self) -> None:
        lock = self.cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError):
            pid = int(lock.read_text().splitlines()[0])
            started = processes.identity(pid)
            if started is not None and str(self.cluster) in processes.command_line(pid):
                processes.stop_stranger(pid, started=started, stop_signal=signal.SIGINT, seconds=10)
            # Whoever has that pid now is no server on this cluster: the file would only block the start.
            lock.unlink(missing_ok=True)

    # -- running --------------------------------------------------------------------------------

    def command(self) -> processes.Command:
        """Tell a supervisor how to run the server; `prepare` comes first."""
        settings = {**self._settings, "port": str(self.access.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return processes.Command(
            name="postgres",
            argv=[str(self.programs / "postgres"), "-D", str(self.cluster), *options],
            cwd=self.cluster,
            env={"LC_ALL": "C"},
            log=self._log,
            account=self._account,
            stop_signal=signal.SIGINT,  # "fast": roll back, flush, end
            stop_seconds=10,
            tier=3,
            is_ready=self.is_ready,
        )

    def start(self, *, seconds: float = 30) -> None:
        """Run the server as our own child and wait until it answers; StackError when it does not."""
        for _ in range(_START_TRIES):
            self.prepare()
            process = self._process = processes.spawn(self.command())
            if processes.wait_until(lambda: process.poll() is not None or self.is_ready(), seconds=seconds):  # noqa: B023
                if process.poll() is None:
                    return
                # After a kill the last backends may still hold the shared memory for a moment.
                time.sleep(0.3)
                continue
            break
        self.stop()
        raise StackError(f"PostgreSQL did not start; its log says:\n{tail(self._log)}")

    def is_ready(self) -> bool:
        """Say whether the server answers queries."""
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    @property
    def is_running(self) -> bool:
        """Say whether our child lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server in order; its data stays."""
        if self._process is not None:
            processes.stop(self._process, self.command())
            self._process = None

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL), for tests of recovery."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop and start; port and data stay."""
        self.stop()
        self.start()

    # -- using ----------------------------------------------------------------------------------

    def url(self, database: str = OWNER) -> str:
        """Give the address for the product's own role (no superuser), as DATABASE_URL wants it."""
        access = self.access
        return f"postgres://{OWNER}:{access.password}@{ports.LOOPBACK}:{access.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Connect as superuser, autocommit."""
        access = self.access
        return psycopg.connect(
            host=ports.LOOPBACK,
            port=access.port,
            user=SUPERUSER,
            password=access.superuser_password,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def ensure_role(self) -> None:
        """Create the product's role unless it exists."""
        owner = sql.Identifier(OWNER)
        with self.connect() as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                return
            password = sql.Literal(self.access.password)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(owner, password))
            connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(owner))
            # Tests put tables back without firing triggers; the role needs nothing else of a superuser's.
            connection.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(owner))

    def ensure_database(self, name: str = OWNER) -> None:
        """Create the product's role and database unless they exist."""
        self.ensure_role()
        with self.connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
                )

    def backup_to(self, target: Path) -> None:
        """Copy the running server into the data folder `target`, from which `adopt` can begin."""
        target.mkdir(parents=True, exist_ok=True)
        cluster = server_folder(target / "postgres", self._account)
        access = self.access
        self._run(
            "pg_basebackup", "-D", str(cluster), "--checkpoint=fast", "--no-sync", "-h", ports.LOOPBACK,
            "-p", str(access.port), "-U", SUPERUSER, env={"PGPASSWORD": access.superuser_password},
        )  # fmt: skip
        shutil.copy2(self._access_file, target / "postgres.json")


def discard(data_dir: Path) -> None:
    """Delete a stopped server's data, wherever the account made us put it."""
    if data_dir.exists():
        shutil.rmtree(server_folder(data_dir / "postgres", server_account()))
        shutil.rmtree(data_dir)
