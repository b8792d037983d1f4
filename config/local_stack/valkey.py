"""A Valkey server of our own: real, on loopback, with a password and an append-only file."""

import contextlib
import json
import secrets
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.local_stack import ports, processes
from config.local_stack.binaries import valkey_program
from config.local_stack.errors import StackError
from config.local_stack.files import tail, write_private


@dataclass(frozen=True)
class Access:
    """How the server is reached; kept beside the data, readable by its owner only."""

    port: int
    password: str


class EmbeddedValkey:
    """One server on one data folder: `valkey/` (data, configuration) and `valkey.json` (port, password).

    With `durable=False` nothing is written to disk: for tests only.
    """

    def __init__(
        self, data_dir: Path, *, port: int = 0, durable: bool = True, log: Path | None = None
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._wanted_port = port
        self._durable = durable
        self._log = log or self.data_dir / "valkey.log"
        self._folder = self.data_dir / "valkey"
        self._process: subprocess.Popen[bytes] | None = None
        self._flusher: redis.Redis | None = None

    @property
    def access(self) -> Access:
        """Port and password; StackError before `prepare`."""
        try:
            return Access(**json.loads(self._access_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StackError(f"no Valkey was prepared in {self.data_dir}") from None

    @property
    def _access_file(self) -> Path:
        return self.data_dir / "valkey.json"

    @property
    def _configuration(self) -> Path:
        return self._folder / "valkey.conf"

    def prepare(self) -> None:
        """End a server left over from a killed run, choose the port, write the configuration."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        access = self.access if self._access_file.exists() else Access(0, secrets.token_hex(16))
        port = self._wanted_port or access.port
        if self._wanted_port == 0 and (port == 0 or not ports.is_free(port)):
            port = ports.free_port()
        access = Access(port, access.password)
        write_private(self._access_file, json.dumps(asdict(access)))
        # In a file and not on the command line, where any account of the machine could read the password.
        write_private(self._configuration, self._configured(access))

    def _configured(self, access: Access) -> str:
        lines = [
            f"bind {ports.LOOPBACK}",
            f"port {access.port}",
            f"requirepass {access.password}",
            f'dir "{self._folder}"',
            f'pidfile "{self._folder / "valkey.pid"}"',
            "daemonize no",
            "databases 64",
            "maxmemory-policy noeviction",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
        ]
        return "\n".join(lines) + "\n"

    def _end_leftover(self) -> None:
        if not self._access_file.exists():
            return
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int((self._folder / "valkey.pid").read_text())
            started = processes.identity(pid)
            # The server shows its address in its title, e.g. "valkey-server 127.0.0.1:6379".
            if started is not None and f"{ports.LOOPBACK}:{self.access.port}" in processes.command_line(pid):
                processes.stop_stranger(pid, started=started, stop_signal=signal.SIGTERM, seconds=5)
            (self._folder / "valkey.pid").unlink(missing_ok=True)

    def command(self) -> processes.Command:
        """Tell a supervisor how to run the server; `prepare` comes first."""
        return processes.Command(
            name="valkey",
            argv=[str(valkey_program()), str(self._configuration)],
            cwd=self._folder,
            env={"LC_ALL": "C"},
            log=self._log,
            stop_seconds=5,
            tier=2,
            is_ready=self.is_ready,
        )

    def start(self, *, seconds: float = 10) -> None:
        """Run the server as our own child and wait until it answers; StackError when it does not."""
        self.prepare()
        process = self._process = processes.spawn(self.command())
        answered = processes.wait_until(
            lambda: process.poll() is not None or self.is_ready(), seconds=seconds
        )
        if not answered or process.poll() is not None:
            self.stop()
            raise StackError(f"Valkey did not start; its log says:\n{tail(self._log)}")

    def is_ready(self) -> bool:
        """Say whether the server answers."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @property
    def is_running(self) -> bool:
        """Say whether our child lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server in order."""
        self._close_flusher()
        if self._process is not None:
            processes.stop(self._process, self.command())
            self._process = None

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        self._close_flusher()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _close_flusher(self) -> None:
        if self._flusher is not None:
            self._flusher.close()
            self._flusher = None

    def flush(self) -> None:
        """Forget everything in all databases."""
        if self._flusher is None:
            self._flusher = self.client()
        self._flusher.flushall()

    def url(self, database: int = 0) -> str:
        """Give the address as REDIS_URL wants it."""
        access = self.access
        return f"redis://:{access.password}@{ports.LOOPBACK}:{access.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """Open a client that tries once; the caller closes it."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis.from_url(
            self.url(database), socket_timeout=3, socket_connect_timeout=3, retry=once
        )
