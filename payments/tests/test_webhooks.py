"""Stripe's webhooks.

What is refused leaves no row, what is accepted is durable, once, and worked by the queue.
"""

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from common.inbox.models import InboxEvent, InboxStatus
from common.outbox import JobStatus
from common.outbox.models import Job
from payments.models import LedgerKind, Order, OrderStatus, Payment
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/stripe/offers"
SECRET = "whsec_test"


def event_body(**changes: Any) -> bytes:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "cs_1", "object": "checkout.session", "metadata": {}}},
    } | changes
    return json.dumps(event).encode()


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> str:
    moment = int(clock.now().timestamp() if at is None else at)
    digest = hmac.new(secret.encode(), b"%d.%b" % (moment, body), sha256).hexdigest()
    return f"t={moment},v1={digest}"


def deliver(client: Client, body: bytes, header: str | None, url: str = URL) -> Any:
    headers = {} if header is None else {"Stripe-Signature": header}
    return client.post(url, body, content_type="application/json", headers=headers)


_KEPT = ("id", "type", "account", "api_version")


def nested(depth: int) -> bytes:
    """Return an event that is so many lists and objects deep."""
    return event_body()[:-1] + b', "a": %b%b}' % (b"[" * (depth - 1), b"]" * (depth - 1))


def refused() -> dict[str, tuple[bytes, str | None]]:
    body, now = event_body(), clock.now().timestamp()
    latin = '{"id": "é"}'.encode("latin-1")
    huge, giant = event_body(padding="x" * 600_000), event_body(padding="x" * 1_200_000)
    no_event = b'{"object": "thing"}'
    return {
        "forged": (body, signed(body, secret="whsec_other")),
        "changed body": (body + b" ", signed(body)),
        "stale": (body, signed(body, at=now - 301)),
        "future": (body, signed(body, at=now + 330)),
        "missing": (body, None),
        "empty": (body, ""),
        "no time": (body, "v1=abc"),
        "no signature": (body, f"t={int(now)}"),
        "non-ASCII signature": (body, f"t={int(now)},v1=é"),
        "non-UTF-8 body": (latin, signed(latin)),
        "oversized": (huge, signed(huge)),
        "over every body's limit": (giant, signed(giant)),
        "no JSON": (b"{", signed(b"{")),
        "no event": (no_event, signed(no_event)),
        **{f"NUL in {name}": (body := event_body(**{name: "a\0"}), signed(body)) for name in _KEPT},
        **{f"nested {depth} deep": (body := nested(depth), signed(body)) for depth in (101, 50_000)},
    }


@pytest.mark.parametrize("case", sorted(refused()))
def test_what_is_no_event_of_stripe_is_refused_and_leaves_no_row(client: Client, case: str) -> None:
    """400 as a problem document, and nothing written. REQ PA-03."""
    answer = deliver(client, *refused()[case])
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "bad_webhook"
    assert not InboxEvent.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize("url", [URL, "/api/v1/webhooks/stripe", f"{URL}/"])
def test_an_event_is_stored_once_with_its_bytes(client: Client, url: str) -> None:
    """200 when it is durable; a duplicate changes nothing; at most three statements. REQ PA-03."""
    body = event_body()
    for most in (1, 3):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            answer = deliver(client, body, signed(body), url)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert len(statements) <= most
    event = InboxEvent.objects.get()
    assert (event.content, event.deliveries, event.status) == (body, 2, InboxStatus.RECEIVED)
    assert Job.objects.count() == 1


def test_several_secrets_while_rotating(client: Client, settings: Any) -> None:
    """The old and the new secret are both taken, another one is not. REQ PA-03."""
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    for number, secret in enumerate(("whsec_new", SECRET)):
        body = event_body(id=f"evt_{number}")
        assert deliver(client, body, signed(body, secret=secret)).status_code == 200
    body = event_body(id="evt_3")
    assert deliver(client, body, signed(body, secret="whsec_old")).status_code == 400
    assert InboxEvent.objects.count() == 2


def worked(client: Client, **changes: Any) -> InboxEvent:
    body = event_body(**changes)
    assert deliver(client, body, signed(body)).status_code == 200
    work_money()
    return InboxEvent.objects.get(event_id=changes.get("id", "evt_1"))


def test_unknown_and_foreign_events_are_kept_and_ignored(
    client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """What is not for us is kept, marked ignored and not tried again. REQ PA-03."""
    assert worked(client, id="evt_a", type="customer.created").status == InboxStatus.IGNORED
    assert worked(client, id="evt_b").status == InboxStatus.IGNORED
    assert not Job.objects.filter(status=JobStatus.PENDING).exists()


def test_an_event_of_the_other_mode_is_quarantined(client: Client, stripe_sandbox: SandboxProcess) -> None:
    """A live event at a test key changes nothing. REQ PA-10."""
    assert worked(client, livemode=True).status == InboxStatus.QUARANTINED


def test_an_event_whose_ids_cannot_be_read_is_quarantined(
    client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """NUL in an id, an id that is no text, a number too long to read: kept for people, no job fails. REQ PA-05."""
    odd: list[dict[str, Any]] = [
        {"object": "checkout.session", "id": "cs_\0"},
        {"object": "checkout.session", "id": 5, "metadata": []},
        {"object": "refund", "payment_intent": {"id": "pi_1"}},
        {"object": "charge", "payment_intent": None, "metadata": {"order_id": "\0"}},
    ]
    for number, found in enumerate(odd):
        assert worked(client, id=f"evt_{number}", data={"object": found}).status == InboxStatus.QUARANTINED
    body = event_body(id="evt_digits")[:-1] + b', "n": %b}' % (b"1" * 5000)
    assert deliver(client, body, signed(body)).status_code == 200
    work_money()
    assert InboxEvent.objects.get(event_id="evt_digits").status == InboxStatus.QUARANTINED
    assert not Job.objects.exclude(status=JobStatus.DONE).exists()


def test_an_event_of_an_order_that_is_not_there_yet_is_tried_again_then_dead(
    client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """It waits 1 min, 5 min, 30 min, 2 h, 24 h and then lies with the dead letters. REQ PA-05."""
    named = {
        "id": "cs_1",
        "object": "checkout.session",
        "metadata": {"order_id": "7b0c3a52-1111-4222-8333-944445555666"},
    }
    event = worked(client, data={"object": named})
    job = Job.objects.get(pk=event.job_id)
    waits, now = [], clock.now()
    while job.status == JobStatus.PENDING:
        waits.append(round((job.run_at - now).total_seconds()))
        now = job.run_at
        work_money(now)
        job.refresh_from_db()
    assert [round(wait, -1) for wait in waits] == [60, 300, 1800, 7200, 86400]
    assert job.status == JobStatus.DEAD


def test_webhooks_settle_the_order_and_survive_duplicates_and_reordering(
    goods: Goods, transactional_db: None, live_server: Any, stripe_sandbox: SandboxProcess
) -> None:
    """Doubled and reordered deliveries over HTTP: one sale, one charge. REQ PA-03 PA-04."""
    shop = make_shop(goods)
    order, opened = buy(shop)
    stripe_sandbox.control("faults", webhooks="duplicate", times=5)
    stripe_sandbox.control("faults", webhooks="reorder", times=2)
    pay(stripe_sandbox, opened)
    stripe_sandbox.control("deliveries/flush")
    work_money()
    order.refresh_from_db()
    assert (order.status, shop.stock()) == (OrderStatus.COMPLETED, (0, 1))
    assert order.ledger.filter(kind=LedgerKind.CHARGE).count() == 1
    assert set(InboxEvent.objects.values_list("status", flat=True)) <= {InboxStatus.DONE, InboxStatus.IGNORED}


def test_refund_event_before_completed_applies_everything(
    shop: Shop, client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """The refund's event is the first we hear: its payment names the order, all of it is read.

    REQ PA-04 PA-10.
    """
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    from payments import gateway

    intent = gateway.retrieve_session(str(opened.checkout_session_id)).payment_intent_id
    stripe_sandbox.control(f"charges/{intent}/refund", amount=500)
    body = event_body(
        type="refund.created", data={"object": {"id": "re_1", "object": "refund", "payment_intent": intent}}
    )
    deliver(client, body, signed(body))
    work_money()
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == (OrderStatus.PARTIALLY_REFUNDED, 500)
    assert shop.stock() == (0, 1)


def test_poison_event_blocks_nobody(shop: Shop, client: Client, stripe_sandbox: SandboxProcess) -> None:
    """An event that cannot be worked waits for its next try; the next one is worked at once. REQ PA-05."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    poison = event_body(
        id="evt_poison",
        data={"object": {"object": "checkout.session", "id": "cs_9", "metadata": {"order_id": "nobody"}}},
    )
    deliver(client, poison, signed(poison))
    good = event_body(
        id="evt_good", data={"object": {"id": opened.checkout_session_id, "object": "checkout.session"}}
    )
    deliver(client, good, signed(good))
    work_money()
    assert InboxEvent.objects.get(event_id="evt_good").status == InboxStatus.DONE
    assert (
        Job.objects.get(pk=InboxEvent.objects.get(event_id="evt_poison").job_id).status == JobStatus.PENDING
    )
    assert Order.objects.get(pk=order.pk).status == OrderStatus.COMPLETED


def test_a_worker_that_died_mid_event_is_taken_over(
    shop: Shop, client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """The order was applied, the event not marked: another worker does it again, with no second effect.

    REQ PA-04.
    """
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    body = event_body(data={"object": {"id": opened.checkout_session_id, "object": "checkout.session"}})
    deliver(client, body, signed(body))
    from payments.services.stripe_events import work_event

    event = InboxEvent.objects.get()
    assert work_event(event.pk, now=clock.now()) is not None  # ... and the process dies before the mark
    later = clock.now() + timedelta(minutes=10)
    work_money(later)
    event.refresh_from_db()
    assert event.status == InboxStatus.DONE
    assert Payment.objects.get(order=order).paid_amount == 1999
    assert shop.stock() == (0, 1)
