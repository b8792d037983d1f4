"""One request id is followed from the click to the e-mail, through web and workers (REQ OP-01)."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import bearer
from common.outbox.models import Job
from common.outbox.testing import run_due
from offers.tests.market import Market
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)
ID = "shop-42"


def lines(caplog: pytest.LogCaptureFixture) -> Iterator[dict[str, Any]]:
    """Yield what was logged under our id."""
    for record in caplog.records:
        if isinstance(record.msg, dict) and record.msg.get("request_id") == ID:
            yield record.msg


def test_one_id_leads_from_the_click_to_the_letter(
    stripe_sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """The purchase, what Stripe told of it, the goods and the e-mail; with order, session and durations. REQ OP-01."""
    caplog.set_level(logging.INFO)
    market = Market(stripe_sandbox)
    offer, buyer = market.offers[0], market.buyers[0]
    answer = Client().post(
        f"/api/v1/offers/{offer.pk}/purchase",
        {"quantity": 1},
        content_type="application/json",
        headers={"X-Request-ID": ID, **bearer(buyer)},
    )
    assert answer.status_code == 201, answer.content
    order_id, session_id = answer.json()["order"]["id"], answer.json()["checkout_session_id"]
    stripe_sandbox.control(f"sessions/{session_id}/pay")
    for event_id in list(market.collect()):
        market.deliver(event_id)
    run_due()
    found = list(lines(caplog))

    (request,) = [line for line in found if line["event"] == "request"]
    assert (request["status"], request["order_id"], request["checkout_session_id"]) == (
        201, order_id, session_id,
    )  # fmt: skip
    assert request["duration_ms"] > 0
    (paid,) = [line for line in found if line["event"] == "order_status" and line["after"] == "COMPLETED"]
    assert (paid["order_id"], paid["checkout_session_id"]) == (order_id, session_id)
    # It came by a webhook, whose own id is told beside ours.
    webhook = Job.objects.filter(kind="payments.stripe_event").values_list("trace_id", flat=True)
    assert paid["came_by"] in set(webhook)
    ended = {line["job_kind"]: line["outcome"] for line in found if line["event"] == "job_ended"}
    assert ended["offers.fulfil"] == "done"
    assert ended["notifications.send_email"] == "done"
    assert all("duration_ms" in line for line in found if line["event"] == "job_ended")
