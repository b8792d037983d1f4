"""One request id is followed from the click to the e-mail, through web and workers (REQ OP-01)."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer, make_user
from common.outbox.models import Job
from common.outbox.testing import run_due
from offers.models import Offer
from offers.tests.factories import make_offer
from offers.tests.market import Market
from payments.models import Order, Payment
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_tier

pytestmark = pytest.mark.django_db(transaction=True)
ID = "shop-42"
both_doors = pytest.mark.parametrize("door", ["REST", "GraphQL"])


def lines(caplog: pytest.LogCaptureFixture) -> Iterator[dict[str, Any]]:
    """Yield what was logged under our id."""
    for record in caplog.records:
        if isinstance(record.msg, dict) and record.msg.get("request_id") == ID:
            yield record.msg


def click(door: str, buyer: User, goods: Offer | TicketTier, key: str | None = None) -> Any:
    """Buy one of it under our id, and return the answer of that door."""
    headers = {"X-Request-ID": ID, **bearer(buyer), **({"Idempotency-Key": key} if key else {})}
    body: dict[str, Any] = {"quantity": 1}
    if door == "GraphQL":
        named = "purchaseOffer(offerId: " if isinstance(goods, Offer) else "createCheckoutSession(tierId: "
        url, body = "/graphql", {"query": f'mutation {{ {named}"{goods.pk}", quantity: 1) {{ expiresAt }} }}'}
    elif isinstance(goods, Offer):
        url = f"/api/v1/offers/{goods.pk}/purchase"
    else:
        url, body = f"/api/v1/events/{goods.event_id}/checkout", {**body, "tier_id": str(goods.pk)}
    return Client().post(url, body, content_type="application/json", headers=headers)


def requests_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines that tell of requests under our id, the first one first."""
    return [line for line in lines(caplog) if line["event"] == "request"]


def ids_of(order: Order, **more: object) -> dict[str, str]:
    """Return the ids by which a purchase is looked for, as the log has them."""
    ids = {"order_id": order.pk, "event_id": order.event_id, "user_id": order.buyer_id, **more}
    return {name: str(value) for name, value in ids.items()}


@both_doors
def test_one_id_leads_from_the_click_to_the_letter(
    door: str, stripe_sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """The purchase, what Stripe told of it, the goods and the e-mail: by all its ids, with durations. REQ OP-01."""
    caplog.set_level(logging.INFO)
    market = Market(stripe_sandbox)
    offer, buyer = market.offers[0], market.buyers[0]
    answer = click(door, buyer, offer)
    assert "errors" not in answer.json(), answer.content
    order = Order.objects.get()
    session_id = Payment.objects.get().session_id
    stripe_sandbox.control(f"sessions/{session_id}/pay")
    for event_id in list(market.collect()):
        market.deliver(event_id)
    run_due()
    found = list(lines(caplog))

    (request,) = requests_of(caplog)
    ids = ids_of(order, offer_id=offer.pk, checkout_session_id=session_id)
    assert (request["status"], request | ids) == (answer.status_code, request)
    assert request["duration_ms"] > 0
    (paid,) = [line for line in found if line["event"] == "order_status" and line["after"] == "COMPLETED"]
    assert (paid["order_id"], paid["checkout_session_id"]) == (ids["order_id"], session_id)
    # It came by a webhook, whose own id is told beside ours.
    webhook = Job.objects.filter(kind="payments.stripe_event").values_list("trace_id", flat=True)
    assert paid["came_by"] in set(webhook)
    ended = {line["job_kind"]: line["outcome"] for line in found if line["event"] == "job_ended"}
    assert ended["offers.fulfil"] == "done"
    assert ended["notifications.send_email"] == "done"
    assert all("duration_ms" in line for line in found if line["event"] == "job_ended")


@both_doors
def test_a_purchase_that_stripe_did_not_answer_is_found_by_its_order(
    door: str, stripe_sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """The line of the call that failed names offer, order, event and buyer; that of its repetition the session too,
    and so does what is answered from the key. REQ OP-01, OF-06.
    """
    caplog.set_level(logging.INFO)
    offer, buyer = make_offer(units=5), make_user()
    stripe_sandbox.control("faults", api="500_before", times=3, path_prefix="/v1/checkout", method="POST")
    for _ in range(3):
        click(door, buyer, offer, key="k")
    order = Order.objects.get()
    failed, opened, replayed = requests_of(caplog)
    ids = ids_of(order, offer_id=offer.pk)
    assert failed | ids == failed
    assert "checkout_session_id" not in failed
    ids["checkout_session_id"] = str(Payment.objects.exclude(session_id=None).get().session_id)
    assert opened | ids == opened
    # What is kept under a key names no event.
    del ids["event_id"]
    assert replayed | ids == replayed


@both_doors
def test_a_purchase_of_tickets_is_found_by_its_ids(
    door: str, stripe_sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """Tier, order, event, buyer and session. REQ OP-01."""
    caplog.set_level(logging.INFO)
    tier = make_tier(units=5, price_amount=1500)
    click(door, make_user(), tier)
    (request,) = requests_of(caplog)
    session_id = Payment.objects.get().session_id
    ids = ids_of(Order.objects.get(), tier_id=tier.pk, checkout_session_id=session_id)
    assert request | ids == request
