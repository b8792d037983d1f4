"""Request ids across Celery (REQ OP-01)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from celery import Celery
from celery.contrib.testing.worker import start_worker

from common.celery_tracing import HEADER, connect
from common.requests import current_request_id, tracing


@pytest.fixture
def app():
    connect()
    connect()
    # A broker in memory: what is tested are the signals that every broker shares.
    app = Celery("probe", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.02}
    return app


def test_a_task_runs_under_the_id_of_its_request(app) -> None:
    """REQ OP-01: the id goes out in the headers and is current inside, with the task's name for the log."""
    seen = []
    done = threading.Event()

    @app.task(name="probe.task")
    def task() -> None:
        seen.append((current_request_id(), structlog.contextvars.get_contextvars().get("task")))
        done.set()

    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30), tracing("request-7"):
        task.delay()
        assert done.wait(20)
    assert seen == [("request-7", "probe.task")]
    assert current_request_id() == ""


def test_a_task_applied_in_place_keeps_it_too(app) -> None:
    """REQ OP-01: the same when no worker stands between."""
    seen = []

    @app.task(name="probe.here")
    def task() -> None:
        seen.append(current_request_id())

    task.apply(headers={HEADER: "request-8"})
    assert seen == ["request-8"]


def test_a_task_of_beat_gets_an_id_of_its_own(app) -> None:
    """REQ OP-01: what no request began can be followed as well, even when it fails."""
    seen = []

    @app.task(name="probe.fails")
    def task() -> None:
        seen.append(current_request_id())
        raise RuntimeError("x")

    task.apply()
    task.apply()
    assert len(set(seen)) == 2
    assert all(len(trace) == 32 for trace in seen)
    assert current_request_id() == ""


def test_a_task_that_was_handed_out_twice_leaves_each_thread_as_it_was(app) -> None:
    """REQ OP-01: both run under the id of the request, and neither ends what the other began."""
    both, seen = threading.Barrier(2), []

    @app.task(name="probe.twice")
    def task() -> None:
        both.wait(20)
        seen.append(current_request_id())
        both.wait(20)

    def run(_: int) -> str:
        task.apply(task_id="the-same", headers={HEADER: "request-9"}, throw=True)
        return current_request_id()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, range(2))) == ["", ""]
    assert seen == ["request-9", "request-9"]
