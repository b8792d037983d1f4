"""What `make run` refuses. Its whole life is in `config/tests/test_crashes.py`. CONTRACT "Commands"."""

import socket
from pathlib import Path

from config.local_stack import ports
from config.local_stack.postgres import discard
from config.local_stack.tests.runs import PORTS, STOP_SECONDS, Run


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    """The port and the setting to change are said; nothing was started. CONTRACT `make run`."""
    settings = {name: str(ports.free_port()) for name in PORTS}
    run = None
    try:
        with socket.create_server((ports.LOOPBACK, int(settings["MAIL_PORT"]))):
            run = Run(tmp_path / "my data", settings)
            assert run.process.wait(STOP_SECONDS) == 1
        assert f"port {settings['MAIL_PORT']} is in use; choose another with MAIL_PORT=<port>" in run.said
        assert not (run.data_dir / "postgres").exists()
        assert run.children() == {}
    finally:
        if run is not None and run.process.poll() is None:
            run.end()
        discard(tmp_path / "my data")
