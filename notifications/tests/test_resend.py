import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox.testing import run_due
from common.types import SYSTEM
from notifications.models import AttemptOutcome, EmailAttempt, EmailStatus
from notifications.selectors import email_health
from notifications.services import acts
from notifications.tests.factories import NOON, queue, stored

pytestmark = pytest.mark.django_db


class Provider(ThreadingHTTPServer):
    """Speaks as much of Resend's HTTP as sending needs; ``answers`` are (status, body, headers) in turn, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []


class _Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        answers = self.server.answers
        status, answer, more = answers.pop(0) if answers else (200, {"id": "re-1"}, {})
        if status == 0:
            self.connection.close()
            return
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **more,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Keep quiet."""


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    """Give a running provider that the settings point at."""
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings.EMAIL_BACKEND = "notifications.mailer.resend.EmailBackend"
    # The clock stands still here, so no second would end.
    settings.EMAIL_RATE_PER_SECOND = 0
    settings.DEFAULT_FROM_EMAIL = "Marquee <no-reply@marquee.test>"
    settings.ANYMAIL = {
        "RESEND_API_KEY": "re_test",
        "RESEND_API_URL": f"http://127.0.0.1:{server.server_port}/",
        "REQUESTS_TIMEOUT": 5,
    }
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def outcomes() -> list[str]:
    return list(EmailAttempt.objects.order_by("started_at", "id").values_list("outcome", flat=True))


def test_it_is_sent_with_an_idempotency_key(kind: str, provider: Provider) -> None:
    """REQ NO-01: Resend gets both parts and, as a header of the request, the e-mail's own key."""
    email_id = queue(kind)
    run_due(at(0))
    ((path, headers, body),) = provider.requests
    assert path == "/emails"
    assert headers["idempotency-key"] == f"email/{email_id}"
    assert headers["authorization"] == "Bearer re_test"
    assert body["to"] == ["ada@example.com"]
    assert body["headers"]["Message-ID"] == f"<{email_id}@marquee.test>"
    assert "Idempotency-Key" not in body["headers"]
    assert "AB-12" in body["text"]
    assert "AB-12" in body["html"]
    assert (stored(email_id).status, stored(email_id).provider_message_id) == (EmailStatus.SENT, "re-1")


@pytest.mark.parametrize(
    ("status", "name", "outcome"),
    [
        (500, "internal_server_error", AttemptOutcome.UNKNOWN),
        (503, "", AttemptOutcome.UNKNOWN),
        (0, "", AttemptOutcome.UNKNOWN),
        (409, "concurrent_idempotent_requests", AttemptOutcome.UNKNOWN),
    ],
)
def test_what_may_pass_is_repeated_under_the_same_key(
    kind: str, provider: Provider, status: int, name: str, outcome: str
) -> None:
    """REQ NO-01: 5xx and network errors are tried again after a second, as the same e-mail."""
    email_id = queue(kind)
    provider.answers = [(status, {"name": name, "message": "later"}, {})]
    run_due(at(0))
    assert stored(email_id).status == EmailStatus.QUEUED
    assert Job.objects.get().run_at == at(1)
    run_due(at(1))
    assert [headers["idempotency-key"] for _, headers, _ in provider.requests] == [f"email/{email_id}"] * 2
    assert provider.requests[0][2] == provider.requests[1][2]
    assert outcomes() == [outcome, AttemptOutcome.SENT]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "validation_error"),
        (404, "not_found"),
        (409, "invalid_idempotent_request"),
        (422, "invalid_to_address"),
    ],
)
def test_other_4xx_are_dead_at_once(kind: str, provider: Provider, status: int, name: str) -> None:
    """REQ NO-01: no second try on other 4xx."""
    email_id = queue(kind)
    provider.answers = [(status, {"name": name, "message": "no mail to ada@example.com"}, {})]
    assert run_due(at(0)) == 1
    assert run_due(at(3600)) == 0
    assert Job.objects.get().status == "dead"
    message = stored(email_id)
    assert message.status == EmailStatus.FAILED
    assert f"HTTP {status}" in message.last_error
    assert "ada@example.com" not in message.last_error
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "missing_api_key"),
        (403, "invalid_api_key"),
        (429, "daily_quota_exceeded"),
        (429, "monthly_quota_exceeded"),
    ],
)
def test_a_trouble_of_the_account_pauses_the_channel(
    kind: str, provider: Provider, status: int, name: str
) -> None:
    """REQ NO-01: wrong keys and used-up quotas are no attempt of anybody's e-mail; the channel pauses and says why."""
    email_id = queue(kind)
    provider.answers = [(status, {"name": name, "message": "x"}, {})]
    run_due(at(0))
    assert Job.objects.get().attempts == 0
    assert email_health(now=at(1)).paused_until == at(300)
    assert run_due(at(299)) == 0
    run_due(at(300))
    assert stored(email_id).status == EmailStatus.SENT


def test_a_provider_that_is_not_reached_is_nobodys_attempt(
    kind: str, provider: Provider, settings: Settings
) -> None:
    """REQ NO-01: where no connection comes about nothing can have been taken, so nothing is in doubt either."""
    email_id = queue(kind)
    address = settings.ANYMAIL["RESEND_API_URL"]
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_URL": "http://127.0.0.1:9/"}
    for number in range(7):
        run_due(at(30 * number))
    assert (outcomes(), Job.objects.get().attempts) == ([AttemptOutcome.PAUSED] * 7, 0)
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_URL": address}
    run_due(at(210))
    assert (len(provider.requests), stored(email_id).status) == (1, EmailStatus.SENT)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"retry-after": "20", "ratelimit-reset": "5"}, 20),
        ({"ratelimit-reset": "5"}, 5),
        ({"retry-after": "soon", "ratelimit-reset": "-3"}, 1),
        ({}, 1),
    ],
)
def test_too_many_requests_are_nobodys_attempt(
    kind: str, provider: Provider, said: dict[str, str], seconds: int
) -> None:
    """REQ NO-01: when Resend has too many, nobody asks before the time it names, and no e-mail loses an attempt."""
    first, second = queue(kind), queue(kind)
    provider.answers = [(429, {"name": "rate_limit_exceeded"}, said)]
    run_due(at(0))
    assert len(provider.requests) == 1
    assert set(Job.objects.values_list("attempts", flat=True)) == {0}
    assert run_due(at(seconds - 0.1)) == 0
    run_due(at(seconds))
    assert {stored(first).status, stored(second).status} == {EmailStatus.SENT}
    assert sorted(outcomes()) == [AttemptOutcome.PAUSED, AttemptOutcome.SENT, AttemptOutcome.SENT]
    assert [headers["idempotency-key"] for _, headers, _ in provider.requests].count(f"email/{first}") == 2


def test_a_doubtful_send_is_not_repeated_when_the_key_is_forgotten(kind: str, provider: Provider) -> None:
    """REQ NO-01: past the key's 24 hours only a person may repeat what may have been sent."""
    email_id = queue(kind)
    provider.answers = [(500, {}, {})]
    run_due(at(0))
    late = at(24 * 3600)
    run_due(late)
    assert len(provider.requests) == 1
    assert stored(email_id).status == EmailStatus.FAILED
    acts.send_again(email_id, actor=SYSTEM, reason="She asked for it", now=late)
    run_due(late)
    assert len(provider.requests) == 2
    assert stored(email_id).status == EmailStatus.SENT
