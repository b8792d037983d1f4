"""The compose file and the health probe. REQ OP-06."""

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.local_stack import ports
from config.local_stack.environment import ROOT
from config.local_stack.lock_check import problems

SCALED = {"web", "realtime", "worker", "worker-bulk"}
OF_THE_PRODUCT = SCALED | {"run_jobs", "beat"}
MONITORING = {"prometheus", "grafana"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_every_service_is_watched_and_restarted(services: dict[str, Any]) -> None:
    """Health checks for all, restart for all; the migration runs once to its end instead."""
    assert set(services) == OF_THE_PRODUCT | MONITORING | {"proxy", "migrate", "postgres", "redis"}
    for name, service in services.items():
        if name == "migrate":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_processes_start_after_the_migrations(services: dict[str, Any]) -> None:
    """Migrations once, before any process that needs the tables."""
    for name in OF_THE_PRODUCT:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, (
            name
        )


def test_what_scales_has_neither_a_fixed_name_nor_a_fixed_port(services: dict[str, Any]) -> None:
    """Several of a kind can run side by side; only the proxy is reached from outside."""
    for name in SCALED:
        assert {"container_name", "ports", "hostname"} & set(services[name]) == set(), name
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == MONITORING | {"proxy"}
    # Figures are for this machine alone, and only where somebody asks for them.
    for name in MONITORING:
        assert all(port.startswith("127.0.0.1:") for port in published[name]), name
        assert services[name]["profiles"] == ["monitoring"], name


def test_every_process_that_counts_can_be_read(services: dict[str, Any]) -> None:
    """REQ OP-02: each on a port that nothing publishes; web's two workers add up. Beat is watched by its schedules."""
    told = {name: services[name]["environment"] for name in OF_THE_PRODUCT}
    assert {name for name, values in told.items() if "METRICS_PORT" in values} == OF_THE_PRODUCT - {"beat"}
    assert [name for name, values in told.items() if "PROMETHEUS_MULTIPROC_DIR" in values] == ["web"]
    assert all(values["DATABASE_URL"] for values in told.values())


def test_no_secret_is_written_in_the_file() -> None:
    """Passwords come from the environment, and a missing one stops compose with a sentence."""
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"${{{name}:?set {name} in .env}}" in text
    assert re.findall(r"(?:PASSWORD|SECRET\w*): +(?!\$\{)\S+", text) == []


def test_workers_serve_every_lane(services: dict[str, Any]) -> None:
    """No lane is without a worker, and bulk has its own."""
    lanes = [
        services[name]["command"][services[name]["command"].index("--queues") + 1]
        for name in sorted(SCALED)
        if "worker" in name
    ]
    assert lanes == ["money,realtime,urgent_mail", "bulk"]


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        served = self.headers["Host"] == "tickets.test" and self.headers["X-Forwarded-Proto"] == "https"
        self.send_response(200 if served and self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    with http.server.HTTPServer((ports.LOOPBACK, 0), _Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


def _probe(*arguments: str) -> int:
    command = [sys.executable, "deploy/probe.py", *arguments]
    return subprocess.call(
        command, cwd=ROOT, env={"ALLOWED_HOSTS": "tickets.test,other.test"}, stderr=subprocess.DEVNULL
    )


def test_the_probe_tells_healthy_from_not(server: int) -> None:
    """It asks for a name the product serves; a refusal, a closed port and a missing process are unhealthy."""
    closed = str(ports.free_port())
    assert _probe("http", str(server), "/readyz") == 0
    assert _probe("http", str(server), "/other") == 1
    assert _probe("http", closed, "/readyz") == 1
    assert _probe("tcp", str(server)) == 0
    assert _probe("tcp", closed) == 1
    assert _probe("process", "pytest") == 0
    assert _probe("process", "no-such-process-anywhere") == 1
    assert _probe("nonsense") == 2


def test_a_lock_that_lacks_or_contradicts_its_source_is_named(tmp_path: Path) -> None:
    """`make check` finds a requirement that was added but not locked, and two locks that differ."""
    (tmp_path / "base.in").write_text("# why\nalpha\nbeta[extra]==2.*\n")
    (tmp_path / "lock.txt").write_text("alpha==1.0\nbeta==2.5 ; python_version < '4'\n")
    (tmp_path / "other.txt").write_text("alpha==1.0\n")
    source, lock, other = tmp_path / "base.in", tmp_path / "lock.txt", tmp_path / "other.txt"
    assert problems(source, lock, against=other) == []
    source.write_text("alpha\nbeta==3.*\ngamma\n")
    assert problems(source, lock, against=other) == [
        "lock.txt: beta==3.* is not locked (has 2.5)",
        "lock.txt: gamma is not locked (has nothing)",
    ]
    source.write_text("alpha\n")
    other.write_text("alpha==1.1\n")
    assert problems(source, lock, against=other) == ["lock.txt: alpha is {'1.0'}, other.txt has {'1.1'}"]
