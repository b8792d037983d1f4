"""Resend's webhooks: what is refused leaves no row, what is accepted is durable, once, and worked by the queue."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from svix.webhooks import Webhook

from common import clock
from common.inbox.models import InboxEvent, InboxStatus
from common.outbox.models import Job
from common.outbox.testing import run_due
from notifications.checks import email_webhook
from notifications.models import EmailEvent
from notifications.tests.resend import SECRET, URL, deliver, event, headers

pytestmark = pytest.mark.django_db

OTHER = "whsec_b3RoZXItc2VjcmV0"


def nested(depth: int) -> bytes:
    """Return an event that is so many lists and objects deep, its own two among them."""
    return b'{"type": "email.sent", "data": {"email_id": "re-1", "a": %b%b}}' % (
        b"[" * (depth - 2),
        b"]" * (depth - 2),
    )


def refused() -> dict[str, tuple[bytes, dict[str, str]]]:
    body, now = event("delivered"), clock.now().timestamp()
    latin = '{"type": "é", "data": {}}'.encode("latin-1")
    huge, giant = event("delivered", padding="x" * 300_000), event("delivered", padding="x" * 1_200_000)
    no_event, no_data = b'{"object": "thing"}', b'{"type": "email.sent", "data": null}'
    right, nul = headers(body), b'{"type": "email.sent\\u0000", "data": {}}'
    return {
        "forged": (body, headers(body, secret=OTHER)),
        "changed body": (body + b" ", right),
        "another id": (body, {**right, "svix-id": "msg_other"}),
        "another time": (body, {**right, "svix-timestamp": str(int(now) - 1)}),
        "stale": (body, headers(body, at=now - 301)),
        "future": (body, headers(body, at=now + 330)),
        "unsigned": (body, {}),
        "no id": (body, {**right, "svix-id": ""}),
        "id of two lines": (body, {**right, "svix-id": "a b"}),
        "no time": (body, {**right, "svix-timestamp": "now"}),
        "no signature": (body, {**right, "svix-signature": "v2,abc"}),
        "non-ASCII signature": (body, {**right, "svix-signature": "v1,é"}),
        "non-UTF-8 body": (latin, headers(latin)),
        "oversized": (huge, headers(huge)),
        "over every body's limit": (giant, headers(giant)),
        "no JSON": (b"{", headers(b"{")),
        "no event": (no_event, headers(no_event)),
        "no data": (no_data, headers(no_data)),
        "NUL in its type": (nul, headers(nul)),
        **{f"nested {depth} deep": (body := nested(depth), headers(body)) for depth in (101, 50_000)},
    }


@pytest.mark.parametrize("case", sorted(refused()))
def test_what_resend_did_not_sign_is_refused_and_leaves_no_row(client: Client, case: str) -> None:
    """REQ NO-02: 400 as a problem document, and nothing written."""
    answer = deliver(client, *refused()[case])
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "bad_webhook"
    assert not InboxEvent.objects.exists()
    assert not Job.objects.exists()


def test_an_event_is_stored_once_with_its_bytes(client: Client) -> None:
    """REQ NO-02: 200 when it is durable, by one statement; delivered again it changes nothing but its count."""
    body = event("delivered")
    given = headers(body, event_id="msg_twice")
    for most in (1, 3):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            answer = deliver(client, body, given)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert len(statements) <= most
    stored = InboxEvent.objects.get()
    assert (stored.content, stored.deliveries, stored.event_type) == (body, 2, "email.delivered")
    assert Job.objects.count() == 1


def test_several_secrets_while_rotating_and_none_at_all(client: Client, settings: Any) -> None:
    """REQ NO-02: the old and the new secret are both taken; without one nothing is, and a broken one stops no other."""
    settings.RESEND_WEBHOOK_SECRETS = [OTHER, "whsec_not base64!", SECRET]
    for secret in (OTHER, SECRET):
        body = event("delivered")
        assert deliver(client, body, headers(body, secret=secret)).status_code == 200
    settings.RESEND_WEBHOOK_SECRETS = []
    assert deliver(client, event("delivered")).status_code == 400
    assert InboxEvent.objects.count() == 2


def test_what_the_provider_signs_with_its_own_library_is_taken(client: Client) -> None:
    """REQ NO-02: the signature is that of Svix's library, which in turn accepts ours."""
    body = event("delivered")
    now = clock.now().replace(microsecond=0)
    theirs = Webhook(SECRET).sign("msg_theirs", now.astimezone(UTC), body.decode())
    given = {
        "svix-id": "msg_theirs",
        "svix-timestamp": str(int(now.timestamp())),
        "svix-signature": f"v1a,x {theirs}",
    }
    assert deliver(client, body, given).status_code == 200
    real = datetime.now(UTC).timestamp()
    Webhook(SECRET).verify(body, headers(body, at=real))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type": "domain.updated", "data": {"id": "d"}}', InboxStatus.IGNORED),
        (b'{"type": "email.delivered", "data": {}}', InboxStatus.QUARANTINED),
        (event("bounced", bounce=None), InboxStatus.DONE),
        (event("bounced", bounce={"type": "Permanent"}, headers="none", to=None), InboxStatus.DONE),
        (
            event("delivered", email_id=["re-1"], tags=[{"name": "x"}], headers=[{"value": 1}]),
            InboxStatus.DONE,
        ),
        (json.dumps({"type": "email.sent", "created_at": 5, "data": {"email_id": "re-1"}}).encode(), None),
        (nested(100), InboxStatus.DONE),
        (event("sent", headers=[{"name": "x-metadata", "value": "[" * 50_000}]), None),
        (b'{"type": "email.sent", "data": {"email_id": "re-1"}, "n": %b}' % (b"1" * 5000), None),
        (event("sent", email_id="re\0-1", to=["a\0da@example.com"]), InboxStatus.DONE),
        (event("sent", email_id="\0"), None),
    ],
)
def test_whatever_shape_an_event_has_it_is_kept_and_blocks_nobody(
    client: Client, body: bytes, status: Any
) -> None:
    """REQ NO-02: unknown types are ignored, what names no e-mail is quarantined, odd parts are left out; none dies."""
    assert deliver(client, body).status_code == 200
    run_due()
    assert InboxEvent.objects.get().status == (status or InboxStatus.QUARANTINED)
    assert EmailEvent.objects.count() == (status == InboxStatus.DONE)
    assert not Job.objects.exclude(status="done").exists()


def test_control_characters_and_impossible_times_are_left_out(client: Client) -> None:
    """REQ NO-02: the remote server's words are kept without what no column takes; a time before there was any e-mail is
    none, so the story can be shown."""
    why = {"type": "Permanent", "message": "gone \0 away\x1b[0m\r\nfor good"}
    times = ["0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"]
    for at in times:
        assert deliver(client, event("bounced", at=at, bounce=why)).status_code == 200
    run_due()
    kept = EmailEvent.objects.all()
    assert {one.detail for one in kept} == {"Permanent · gone away [0m for good"}
    assert [one.occurred_at for one in kept] == [one.received_at for one in kept]
    assert (len(kept), Job.objects.exclude(status="done").count()) == (3, 0)


def test_only_post_is_answered(client: Client) -> None:
    """REQ NO-02: the door takes events and shows nothing."""
    assert client.get(URL).status_code == 405


@pytest.mark.parametrize(
    ("key", "secrets", "found"),
    [
        ("re_1", [], ["notifications.W001"]),
        ("", [], []),
        ("re_1", [SECRET, OTHER], []),
        ("", ["nonsense!"], ["notifications.E004"]),
    ],
)
def test_a_missing_or_broken_secret_is_named_at_start_up(
    settings: Any, key: str, secrets: list[str], found: list[str]
) -> None:
    """REQ NO-02, OP-05: who sends by Resend and cannot hear it is told so; a secret that is none stops the start."""
    settings.RESEND_API_KEY, settings.RESEND_WEBHOOK_SECRETS = key, secrets
    assert [one.id for one in email_webhook()] == found
