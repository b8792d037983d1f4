"""PostgreSQL and Valkey as the stack runs them. CONTRACT `make run`, REQ OP-03."""

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.local_stack import processes, unprivileged
from config.local_stack.postgres import EmbeddedPostgres, discard
from config.local_stack.valkey import EmbeddedValkey


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a folder with spaces"
    yield folder
    discard(folder)


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    server.start()
    server.ensure_database()
    yield server
    server.stop()


@pytest.fixture
def own_valkey(data_dir: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir)
    server.start()
    yield server
    server.stop()


def _write(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def _read(server: EmbeddedPostgres) -> object:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT answer FROM kept").fetchone()


def test_postgres_keeps_data_and_port_over_a_restart(postgres: EmbeddedPostgres) -> None:
    """A second start finds the data under the same address."""
    _write(postgres)
    address = postgres.url()
    postgres.restart()
    assert postgres.url() == address
    assert _read(postgres) == (42,)


def test_postgres_recovers_from_a_kill(postgres: EmbeddedPostgres) -> None:
    """What was committed before `kill -9` is there after the next start."""
    _write(postgres)
    postgres.kill()
    postgres.start()
    assert _read(postgres) == (42,)


def test_a_lock_file_of_a_dead_postgres_does_not_block_the_start(postgres: EmbeddedPostgres) -> None:
    """The pid in a stale lock file may belong to any other process by now: it is left alone."""
    postgres.kill()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        lock = postgres.cluster / "postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        postgres.start()
        assert postgres.is_ready()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_postgres_left_running_is_ended_and_replaced(postgres: EmbeddedPostgres) -> None:
    """Another start on the same data ends the server that a killed run left, then has the data to itself."""
    _write(postgres)
    left = int((postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
    successor = EmbeddedPostgres(postgres.data_dir)
    successor.start()
    try:
        assert processes.identity(left) is None
        assert _read(successor) == (42,)
    finally:
        successor.stop()


def test_postgres_refuses_a_wrong_password_and_other_addresses(postgres: EmbeddedPostgres) -> None:
    """Every account of the machine can reach the port; only the password lets it in."""
    wrong = postgres.url().replace(postgres.access.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_passwords_are_readable_by_their_owner_only(
    postgres: EmbeddedPostgres, own_valkey: EmbeddedValkey
) -> None:
    """Files with passwords have mode 0600, and no password is on a command line."""
    for name in ("postgres.json", "valkey.json", "valkey/valkey.conf"):
        assert stat.S_IMODE((postgres.data_dir / name).stat().st_mode) == 0o600
    command_lines = [*postgres.command().argv, *own_valkey.command().argv]
    assert postgres.access.password not in " ".join(command_lines)
    assert own_valkey.access.password not in " ".join(command_lines)


def test_nothing_is_left_where_the_superuser_password_was_handed_over(postgres: EmbeddedPostgres) -> None:
    """The file that gave initdb its password is gone, wherever it was; others' beside it are not ours."""
    own = [path for path in postgres.data_dir.rglob("*") if path.name.startswith((".initdb", "password"))]
    beside = list(postgres.cluster.parent.glob(f".initdb-{postgres.cluster.name}-*"))
    assert own + beside == []


def test_the_place_of_the_superuser_password_is_named_after_the_cluster(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the test above looks for the right one: it was there, and private, while initdb ran."""
    seen: dict[Path, int] = {}
    run = EmbeddedPostgres._run

    def looking(server: EmbeddedPostgres, program: str, *arguments: str, **more: Any) -> None:
        scratch = server.cluster.parent.glob(f".initdb-{server.cluster.name}-*")
        seen.update({folder: stat.S_IMODE(folder.stat().st_mode) for folder in scratch})
        run(server, program, *arguments, **more)

    monkeypatch.setattr(EmbeddedPostgres, "_run", looking)
    EmbeddedPostgres(data_dir).prepare()
    assert list(seen.values()) == [0o700]
    assert not any(folder.exists() for folder in seen)


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: PostgreSQL runs as this account")
def test_root_runs_postgres_as_another_account(postgres: EmbeddedPostgres) -> None:
    """PostgreSQL refuses root; it runs as an unprivileged account, from a folder that account can reach."""
    account = unprivileged.server_account()
    assert account is not None
    pid = int((postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == account.uid != 0
    assert unprivileged.can_traverse(postgres.cluster.parent, account)


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: nothing has to be moved for another account")
def test_a_folder_closed_to_the_account_is_replaced_not_opened(tmp_path: Path) -> None:
    """Where the account cannot go, the data goes elsewhere; the closed folder keeps its mode."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    server.start()
    try:
        assert closed.stat().st_mode & 0o777 == 0o700
        assert unprivileged.SHARED_PLACE in server.cluster.parents
    finally:
        server.stop()
        discard(closed / "data")
    assert not server.cluster.exists()


def test_a_copied_server_has_the_data_and_lives_apart(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Test sessions begin with a copy: what one writes, the other does not see."""
    _write(postgres)
    postgres.backup_to(tmp_path / "copy")
    other = EmbeddedPostgres(tmp_path / "other", durable=False)
    other.adopt(tmp_path / "copy")
    other.start()
    try:
        assert _read(other) == (42,)
        with psycopg.connect(other.url()) as connection:
            connection.execute("UPDATE kept SET answer = 0")
        assert _read(postgres) == (42,)
    finally:
        other.stop()
        discard(tmp_path / "copy")
        discard(tmp_path / "other")


def test_valkey_keeps_what_was_written_a_second_before_a_kill(own_valkey: EmbeddedValkey) -> None:
    """The append-only file is flushed each second: after `kill -9` the keys are back."""
    with own_valkey.client() as client:
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 3000)
    own_valkey.kill()
    own_valkey.start()
    with own_valkey.client() as client:
        assert client.get("kept") == b"yes"


def test_valkey_refuses_without_its_password(own_valkey: EmbeddedValkey) -> None:
    """Every account of the machine can reach the port; only the password lets it in."""
    with socket.create_connection(("127.0.0.1", own_valkey.access.port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")


def test_a_valkey_left_running_is_ended_and_replaced(own_valkey: EmbeddedValkey) -> None:
    """A start on the same data ends the server that a killed run left."""
    left = int((own_valkey.data_dir / "valkey" / "valkey.pid").read_text())
    successor = EmbeddedValkey(own_valkey.data_dir)
    successor.start()
    try:
        assert processes.identity(left) is None
        assert own_valkey.url() == successor.url()
    finally:
        successor.stop()


def test_a_process_is_known_by_more_than_its_pid() -> None:
    """A zombie is not alive, and a gone process has no identity."""
    child = subprocess.Popen(["sleep", "600"])
    assert processes.identity(child.pid) is not None
    os.kill(child.pid, signal.SIGKILL)
    assert processes.wait_until(lambda: processes.identity(child.pid) is None, seconds=5)
    child.wait()
