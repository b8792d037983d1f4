"""The environment files and what children are told. REQ OP-05."""

import os
import re
import stat
from pathlib import Path

import pytest

from config.local_stack import configuration, environment, ports
from config.local_stack.errors import PortTaken, StackError
from config.local_stack.files import format_env, parse_env, write_private


def test_environment_files_read_what_they_write() -> None:
    """Values with spaces, equal signs and hashes come back as they went in."""
    values = {"PLAIN": "a", "SPACED": "a b = c", "HASH": "pa#ss"}
    assert parse_env(format_env(values), source="x") == values


def test_a_broken_line_is_named() -> None:
    """A person is told the file and the line, not shown a stack trace."""
    with pytest.raises(StackError, match=r"\.env, line 2: expected NAME=value"):
        parse_env("A=1\nnonsense\n", source=".env")


def test_comments_quotes_and_export_are_understood() -> None:
    """What people write in such files by habit works."""
    text = "# note\n\nexport A='x y'\nB=2 # two\nC=\n"
    assert parse_env(text, source="x") == {"A": "x y", "B": "2", "C": ""}


def test_manage_py_finds_the_running_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command typed beside the stack uses its servers; the shell wins over files, `.env` over the stack."""
    for name in ("DATA_DIR", "MARQUEE_A", "MARQUEE_B", "MARQUEE_C", "MARQUEE_D"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MARQUEE_A", "shell")
    write_private(
        tmp_path / ".local" / "stack.env", "MARQUEE_A=stack\nMARQUEE_B=stack\nMARQUEE_C=stack\nMARQUEE_D=s\n"
    )
    (tmp_path / ".env").write_text("MARQUEE_B=file\nMARQUEE_D=\n")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    environment.load(tmp_path)
    assert [os.environ[f"MARQUEE_{letter}"] for letter in "ABCD"] == ["shell", "file", "stack", "s"]


def test_secrets_are_made_once_and_kept_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second start keeps the secrets (sessions stay valid); only the owner reads them; none is live."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    first = configuration.read(tmp_path).secrets
    assert configuration.read(tmp_path).secrets == first
    assert stat.S_IMODE((tmp_path / "data" / "secrets.env").stat().st_mode) == 0o600
    assert first["STRIPE_SECRET_KEY"].startswith("sk_test_")
    assert first["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")


def test_children_are_told_of_servers_ports_and_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `.env` names wins over what is made up; an empty line of it does not."""
    monkeypatch.setattr(os, "environ", {"PORT": "9000", "DATA_DIR": str(tmp_path / "data")})
    (tmp_path / ".env").write_text("FRONTEND_URL=http://front.test\nEMAIL_URL=\nPORT=1\n")
    told = configuration.read(tmp_path).child_values(database_url="postgres://d", redis_url="redis://r")
    assert told["PROMETHEUS_MULTIPROC_DIR"] == str(configuration.read(tmp_path).metrics)
    assert told["FRONTEND_URL"] == "http://front.test"
    assert told["EMAIL_URL"] == "smtp://127.0.0.1:8004"
    assert told["PORT"] == "9000"
    assert told["STRIPE_API_BASE"] == "http://127.0.0.1:8001"
    assert (told["DATABASE_URL"], told["REDIS_URL"]) == ("postgres://d", "redis://r")


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """The name of the setting and the wrong value are in the message."""
    monkeypatch.setattr(os, "environ", {"PORT": value, "DATA_DIR": str(tmp_path / "data")})
    with pytest.raises(StackError, match=f"PORT must be a port between 1 and 65535, not '{value}'"):
        configuration.read(tmp_path)


def test_a_taken_port_names_the_setting_to_change() -> None:
    """CONTRACT `make run`: a taken port is a clear error."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is in use; choose another with MAIL_PORT=<port>"):
            ports.require_free("MAIL_PORT", port)
    ports.require_free("MAIL_PORT", port)


def test_every_setting_is_documented() -> None:
    """REQ OP-05: each name the settings read from the environment is in `.env.example`."""
    documented = set(
        re.findall(
            r"^(?:# )?([A-Z][A-Z0-9_]+)=", (environment.ROOT / ".env.example").read_text(), re.MULTILINE
        )
    )
    read: set[str] = set()
    for file in (environment.ROOT / "config" / "settings").glob("*.py"):
        read |= set(re.findall(r"""env\.\w+\(\s*["']([A-Z0-9_]+)["']""", file.read_text()))
    # STATIC_ROOT belongs to the image, not to who runs it.
    assert read - documented - {"STATIC_ROOT"} == set()
