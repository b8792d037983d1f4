"""Request ids and the access log (REQ OP-01)."""

import logging
import threading

import pytest
import structlog
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from common.requests import RequestIdMiddleware, bind, current_request_id, tracing

pytestmark = pytest.mark.urls("common.tests.urls")


def test_a_sane_id_comes_back_and_is_the_current_one() -> None:
    """REQ OP-01: in, inside, out."""
    response = Client().get("/api/v1/probe/who", headers={"X-Request-ID": "front-42.a:b"})
    assert response["X-Request-ID"] == "front-42.a:b"
    assert response.content == b"127.0.0.1 front-42.a:b "
    assert current_request_id() == ""


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\nb", "ü", "<script>", "-a", "a;b"])
def test_any_other_id_is_replaced(given) -> None:
    """REQ OP-01: nothing strange gets into logs and headers."""
    made = Client().get("/api/v1/probe/who", headers={"X-Request-ID": given})["X-Request-ID"]
    assert made != given
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.css", "/api/v1/probe/raise/defect", "/page"])
def test_errors_and_static_files_carry_it_too(path) -> None:
    """REQ OP-01: whatever is answered."""
    response = Client(raise_request_exception=False).get(path, headers={"X-Request-ID": "id-1"})
    assert response.status_code >= 400
    assert response["X-Request-ID"] == "id-1"


def _access(caplog):
    return [record.msg for record in caplog.records if record.name == "access"]


def test_one_line_per_request(caplog) -> None:
    """REQ OP-01: method, path without its query, status, duration, bound ids."""
    caplog.set_level(logging.INFO)
    Client().get("/api/v1/probe/who?token=secret", headers={"X-Request-ID": "id-2"})
    (line,) = _access(caplog)
    assert line.pop("duration_ms") >= 0
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "access",
        "method": "GET",
        "path": "/api/v1/probe/who",
        "status": 200,
        "user_id": None,
        "request_id": "id-2",
        "order_id": "o-1",
    }


def test_probes_are_not_logged_and_failures_are_errors(caplog) -> None:
    """REQ OP-01: the log shows what matters."""
    caplog.set_level(logging.INFO)
    Client().get("/healthz")
    assert _access(caplog) == []
    Client(raise_request_exception=False).get("/api/v1/probe/raise/defect")
    assert [line["level"] for line in _access(caplog)] == ["error"]


def test_the_user_is_named_when_known(caplog) -> None:
    """REQ OP-01: whoever was authenticated on the way; nobody is looked up for the log."""
    caplog.set_level(logging.INFO)

    def answer(request):
        from django.http import HttpResponse

        request.user = type("User", (), {"pk": 7})() if request.path == "/known" else AnonymousUser()
        return HttpResponse()

    for path in ("/known", "/unknown"):
        RequestIdMiddleware(answer)(RequestFactory().get(path))
    assert [line["user_id"] for line in _access(caplog)] == ["7", None]


def test_a_session_is_not_loaded_for_the_log(django_assert_num_queries, db) -> None:
    """REQ OP-01: logging costs no query, even when a session cookie came."""
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    with django_assert_num_queries(0):
        assert client.get("/api/v1/probe/who").status_code == 200


def test_jobs_run_under_the_trace_of_their_request() -> None:
    """REQ OP-01: what was bound outside comes back; inside only the job's own ids are bound."""
    with tracing("outer", user="u"):
        bind(order="o")
        with tracing("inner", job="j") as trace:
            assert (trace, current_request_id()) == ("inner", "inner")
            assert structlog.contextvars.get_contextvars() == {"request_id": "inner", "job": "j"}
        assert current_request_id() == "outer"
        assert structlog.contextvars.get_contextvars() == {"request_id": "outer", "user": "u", "order": "o"}
    assert structlog.contextvars.get_contextvars() == {}


def test_ids_that_no_request_or_job_ends_are_not_kept() -> None:
    """REQ OP-01: what a shell or a test calls by itself leaves nothing to the lines after it."""
    bind(order="o")
    assert structlog.contextvars.get_contextvars() == {}


def test_threads_do_not_share_ids() -> None:
    """REQ OP-01: one thread's request is not another's."""
    seen: list[str] = []
    with tracing("mine"):
        thread = threading.Thread(target=lambda: seen.append(current_request_id()))
        thread.start()
        thread.join()
    assert seen == [""]
