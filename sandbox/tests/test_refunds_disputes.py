"""Refunds and disputes."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.testing import SandboxFailed, SandboxProcess
from sandbox.tests.test_checkout import events_of


def charge_of(client: stripe.StripeClient, paid: dict[str, Any]) -> dict[str, Any]:
    return client.v1.charges.list({"payment_intent": paid["payment_intent"]}).data[0].to_dict()


def test_partial_refunds_add_up_to_the_charge_and_no_further(
    client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """12.00 and the rest of 19.99 go back; one cent more is refused and changes nothing. REQ PA-07"""
    paid = paid_session()
    intent = paid["payment_intent"]
    first = client.v1.refunds.create(
        {"payment_intent": intent, "amount": 1200, "reason": "requested_by_customer"}
    )
    assert (first.status, first.amount, first.reason) == ("succeeded", 1200, "requested_by_customer")
    with pytest.raises(
        stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(\$7.99\)"
    ) as big:
        client.v1.refunds.create({"payment_intent": intent, "amount": 800})
    assert big.value.param == "amount"
    assert charge_of(client, paid)["amount_refunded"] == 1200
    rest = client.v1.refunds.create({"payment_intent": intent})
    charge = charge_of(client, paid)
    assert (rest.amount, charge["amount_refunded"], charge["refunded"]) == (799, 1999, True)
    with pytest.raises(stripe.InvalidRequestError) as done:
        client.v1.refunds.create({"charge": charge["id"], "amount": 1})
    assert done.value.code == "charge_already_refunded"
    assert [refund.id for refund in client.v1.refunds.list({"payment_intent": intent}).data] == [
        rest.id,
        first.id,
    ]
    assert events_of(client)[3:] == ["refund.created", "charge.refunded"] * 2


def test_a_refund_needs_a_paid_charge(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """No charge named, an unknown intent, a payment on its way: refused, no refund exists. REQ PA-07"""
    later = box.control(f"sessions/{open_session().id}/pay_later")
    for params in ({}, {"payment_intent": "pi_none"}, {"payment_intent": later["payment_intent"]}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create(params)  # type: ignore[arg-type]
    assert client.v1.refunds.list({}).data == []


@pytest.mark.parametrize(
    ("step", "status", "refunded", "events"),
    [
        ("succeed", "succeeded", 500, ["refund.updated"]),
        ("fail", "failed", 0, ["refund.failed", "refund.updated"]),
        ("cancel", "canceled", 0, ["refund.updated"]),
    ],
)
def test_a_pending_refund_counts_until_it_fails(
    box: SandboxProcess,
    client: stripe.StripeClient,
    paid_session: Callable[..., Any],
    step: str,
    status: str,
    refunded: int,
    events: list[str],
) -> None:
    """Pending holds its amount; failed and canceled give it back to the charge. REQ PA-07"""
    paid = paid_session()
    box.control("faults", refunds="pending")
    refund = client.v1.refunds.create({"payment_intent": paid["payment_intent"], "amount": 500})
    assert (refund.status, charge_of(client, paid)["amount_refunded"]) == ("pending", 500)
    box.control(f"refunds/{refund.id}/{step}")
    assert client.v1.refunds.retrieve(refund.id).status == status
    assert charge_of(client, paid)["amount_refunded"] == refunded
    assert events_of(client)[5:] == events


def test_a_refund_that_fails_at_once(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """The fault makes the next refund fail and leaves the charge whole. REQ PA-07"""
    paid = paid_session()
    box.control("faults", refunds="failed")
    refund = client.v1.refunds.create({"payment_intent": paid["payment_intent"]})
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    assert charge_of(client, paid)["amount_refunded"] == 0


def test_a_refund_from_the_dashboard_has_events_without_a_request(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """Made by the control as in Stripe's dashboard, it is listed and announced. REQ PA-10"""
    paid = paid_session()
    refund = box.control(f"charges/{paid['payment_intent']}/refund", amount=700)
    assert client.v1.refunds.retrieve(refund["id"]).amount == 700
    event = client.v1.events.list({"type": "refund.created"}).data[0].to_dict()
    assert (event["data"]["object"]["id"], event["request"]["id"]) == (refund["id"], None)


@pytest.mark.parametrize(
    ("outcome", "events", "refundable"),
    [
        ("won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"], True),
        ("lost", ["charge.dispute.closed"], False),
    ],
)
def test_a_dispute_takes_the_money_and_a_win_gives_it_back(
    box: SandboxProcess,
    client: stripe.StripeClient,
    paid_session: Callable[..., Any],
    outcome: str,
    events: list[str],
    refundable: bool,
) -> None:
    """Opened, reviewed and closed with its events; only a won charge can be refunded. REQ PA-07"""
    intent = paid_session()["payment_intent"]
    dispute = box.control(f"charges/{intent}/dispute", reason="product_not_received")
    assert (dispute["amount"], dispute["status"], dispute["reason"]) == (
        1999,
        "needs_response",
        "product_not_received",
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    box.control(f"charges/{intent}/dispute/review")
    box.control(f"charges/{intent}/dispute/close", status=outcome)
    listed = client.v1.disputes.list({"payment_intent": intent}).data
    assert [(found.id, found.status) for found in listed] == [(dispute["id"], outcome)]
    opened = ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated"]
    assert events_of(client)[3:] == [*opened, *events]
    if refundable:
        assert client.v1.refunds.create({"payment_intent": intent}).status == "succeeded"
    else:
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create({"payment_intent": intent})


def test_an_inquiry_moves_no_money(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """A warning leaves the charge undisputed and refundable, and withdraws nothing. REQ PA-07"""
    paid = paid_session()
    inquiry = box.control(f"charges/{paid['payment_intent']}/dispute", inquiry=True, amount=500)
    assert (inquiry["status"], inquiry["amount"], inquiry["balance_transactions"]) == (
        "warning_needs_response",
        500,
        [],
    )
    assert charge_of(client, paid)["disputed"] is False
    assert events_of(client)[3:] == ["charge.dispute.created"]
    assert client.v1.refunds.create({"payment_intent": paid["payment_intent"]}).amount == 1999


def test_one_dispute_at_a_time(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """A second dispute of the same charge is refused while the first is open. REQ PA-07"""
    intent = paid_session()["payment_intent"]
    box.control(f"charges/{intent}/dispute")
    with pytest.raises(SandboxFailed, match="cannot be disputed"):
        box.control(f"charges/{intent}/dispute")
    assert len(client.v1.disputes.list({}).data) == 1
