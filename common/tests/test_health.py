"""Health, readiness, metrics (REQ OP-02)."""

import os
import subprocess
import sys

import pytest
from django.db import connection
from django.test import Client

from common import health
from common.health import Check, NotReady, register_check
from config.local_stack import ports

pytestmark = pytest.mark.urls("common.tests.urls")
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _own_checks(monkeypatch):
    """The floor's own parts; rooms above register theirs."""
    own = {name: health._checks[name] for name in ("database", "migrations", "redis")}
    monkeypatch.setattr(health, "_checks", own)


def _ready():
    return Client().get("/readyz")


def test_alive_without_asking_anybody(settings) -> None:
    """REQ OP-02: `/healthz` is about the process alone; no database is allowed in this test."""
    settings.REDIS_URL = NOWHERE
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready_when_all_is_up() -> None:
    """REQ OP-02: each part is named."""
    response = _ready()
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {
            "database": {"status": "up", "required": True},
            "migrations": {"status": "up", "required": True},
            "redis": {"status": "up", "required": False},
        },
    }


@pytest.mark.django_db
def test_without_redis_it_is_degraded_and_still_ready(settings) -> None:
    """REQ OP-02: Redis only makes things fast."""
    settings.REDIS_URL = NOWHERE
    response = _ready()
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["redis"] == {
        "status": "down", "required": False, "reason": "ConnectionError",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_is_not_ready() -> None:
    """REQ OP-02: 503 that says which part; no address, no password; and it comes back by itself."""
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "9"
    try:
        response = _ready()
    finally:
        connection.settings_dict["PORT"] = port
        connection.close()
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    assert response.json()["checks"]["database"] == {
        "status": "down", "required": True, "reason": "OperationalError",
    }  # fmt: skip
    assert _ready().json()["status"] == "ready"


@pytest.mark.django_db
def test_without_the_tables_it_is_not_ready(monkeypatch) -> None:
    """REQ OP-02: a web process that starts before the migrations waits for them."""
    monkeypatch.setitem(health._checks, "migrations", Check("migrations", health._Migrations().ask, True))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    response = _ready()
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"]["reason"] == "1 migrations are not applied"


@pytest.mark.django_db
def test_rooms_add_their_own_parts() -> None:
    """REQ OP-02: a registered part is asked and named."""

    def down() -> None:
        raise NotReady("breaker open")

    register_check("stripe", down, is_required=False)
    response = _ready().json()
    assert response["status"] == "degraded"
    assert response["checks"]["stripe"] == {"status": "down", "required": False, "reason": "breaker open"}


@pytest.mark.django_db(transaction=True)
def test_without_the_database_nobody_waits_for_it_twice() -> None:
    """REQ OP-02: what needs it is named as down, and is not asked; the probe has its answer in time."""
    asked: list[str] = []
    register_check("schedules", lambda: asked.append("schedules"), is_required=False, needs_database=True)
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "9"
    try:
        response = _ready()
    finally:
        connection.settings_dict["PORT"] = port
        connection.close()
    assert response.json()["checks"]["schedules"] == {
        "status": "down", "required": False, "reason": "database",
    }  # fmt: skip
    assert asked == []


@pytest.mark.parametrize(
    ("token", "headers", "peer", "proxies", "status"),
    [
        ("", {}, "127.0.0.1", 0, 200),
        ("", {}, "::1", 0, 200),
        ("", {}, "203.0.113.9", 0, 403),
        ("", {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", 0, 403),
        ("", {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", 1, 403),
        ("", {"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", 0, 403),
        ("", {"Authorization": "Bearer "}, "203.0.113.9", 0, 403),
        ("t0ken", {"Authorization": "Bearer t0ken"}, "203.0.113.9", 0, 200),
        ("t0ken", {"Authorization": "Bearer wrong"}, "203.0.113.9", 0, 403),
        ("t0ken", {"Authorization": "Bearer ü"}, "203.0.113.9", 0, 403),
    ],
)
@pytest.mark.django_db
def test_metrics_are_for_the_operators(settings, token, headers, peer, proxies, status) -> None:
    """REQ OP-02: loopback or the token; a proxy on this machine does not make the world local."""
    settings.METRICS_TOKEN, settings.TRUSTED_PROXY_COUNT = token, proxies
    response = Client().get("/metrics", headers=headers, REMOTE_ADDR=peer)
    assert response.status_code == status
    if status == 200:
        assert b"marquee_breaker_open_until_timestamp_seconds" in response.content
    else:
        assert response.json()["code"] == "forbidden"


_COUNT = """
import django
django.setup()
from common.outbox import metrics
from common.outbox.types import Lane
from common.redis import breaker
for _ in range({times}):
    metrics.finished(Lane.MONEY, "probe", "done", 0.001)
    breaker.failed(ConnectionError())
"""


_ASK = """
import time, urllib.request
from django.db import connection
for _ in range(100):
    try:
        told = urllib.request.urlopen("http://127.0.0.1:{port}/metrics", timeout=10).read()
        break
    except OSError:
        time.sleep(0.1)
print(told.decode())
"""


@pytest.mark.django_db
def test_processes_add_up_what_they_count(tmp_path, monkeypatch) -> None:
    """REQ OP-02: whichever process of a machine is asked, the counters are those of all of them.

    A process also tells them at a port of its own, to Prometheus inside the network.
    """
    port = ports.free_port()
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    told = {"METRICS_PORT": str(port)}
    counting = [
        subprocess.Popen(
            [sys.executable, "-c", _COUNT.format(times=times) + more],
            env=environment | own,
            stdout=subprocess.PIPE,
        )
        for times, own, more in ((2, {}, ""), (3, told, _ASK.format(port=port)))
    ]
    page = [process.communicate(timeout=120)[0] for process in counting][1]
    assert [process.returncode for process in counting] == [0, 0]
    assert b'marquee_jobs_total{kind="probe",lane="money",outcome="done"}' in page
    assert b"marquee_jobs_waiting" in page
    line = b'marquee_jobs_total{kind="probe",lane="money",outcome="done"}'
    assert line not in Client().get("/metrics").content
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    answer = Client().get("/metrics")
    assert line + b" 5.0" in answer.content
    # A breaker that was open when its process ended is open no more.
    assert b'marquee_breaker_open_until_timestamp_seconds{breaker="redis"}' not in answer.content
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert b"marquee_jobs_waiting" in answer.content
