"""What becomes of a session: paid, declined, paid later, settled, failed, expired; and its events."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.testing import SandboxFailed, SandboxProcess
from sandbox.tests.conftest import priced
from sandbox.tests.receiver import Receiver


def events_of(client: stripe.StripeClient) -> list[str]:
    """Types of all events, oldest first."""
    return [str(event.type) for event in client.v1.events.list({"limit": 100}).data][::-1]


def test_paying_completes_session_intent_and_charge(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """One payment with the buyer's card and e-mail, and its three events in Stripe's order. REQ PA-09"""
    opened = open_session()
    paid = box.control(f"sessions/{opened.id}/pay", brand="mastercard", last4="4444", email="ann@example.com")
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["customer_details"]["email"] == "ann@example.com"
    intent = client.v1.payment_intents.retrieve(paid["payment_intent"])
    assert (intent.status, intent.amount, intent.metadata.to_dict()) == ("succeeded", 1999, {"purchase": "1"})
    charge = client.v1.charges.list({"payment_intent": intent.id}).data[0].to_dict()
    card = charge["payment_method_details"]["card"]
    assert (charge["id"], card["brand"], card["last4"]) == (intent.latest_charge, "mastercard", "4444")
    assert events_of(client) == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def test_nothing_is_paid_twice(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """A second payment of a complete session is refused and makes no charge. REQ OF-13"""
    paid = paid_session()
    with pytest.raises(SandboxFailed, match="has a status of `complete`"):
        box.control(f"sessions/{paid['id']}/pay")
    assert len(client.v1.charges.list({}).data) == 1


def test_a_declined_card_leaves_the_session_open(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """The intent fails with card_declined; the next try pays with the same intent. REQ PA-03"""
    opened = open_session()
    declined = box.control(f"sessions/{opened.id}/decline")
    assert (declined["status"], declined["payment_status"]) == ("open", "unpaid")
    intent = client.v1.payment_intents.retrieve(declined["payment_intent"]).to_dict()
    assert (intent["status"], intent["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "card_declined",
    )
    paid = box.control(f"sessions/{opened.id}/pay")
    assert paid["payment_intent"] == intent["id"]
    assert events_of(client)[0] == "payment_intent.payment_failed"
    assert [charge.status for charge in client.v1.charges.list({}).data] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("step", "payment_status", "intent_status", "events"),
    [
        (
            "settle",
            "paid",
            "succeeded",
            ["charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"],
        ),
        (
            "fail",
            "unpaid",
            "requires_payment_method",
            ["payment_intent.payment_failed", "checkout.session.async_payment_failed"],
        ),
    ],
)
def test_paying_later_completes_unpaid_and_ends_afterwards(
    box: SandboxProcess,
    client: stripe.StripeClient,
    open_session: Callable[..., Any],
    step: str,
    payment_status: str,
    intent_status: str,
    events: list[str],
) -> None:
    """Complete and unpaid at first; settle or fail ends it once. REQ PA-03"""
    session_id = open_session().id
    later = box.control(f"sessions/{session_id}/pay_later")
    assert (later["status"], later["payment_status"]) == ("complete", "unpaid")
    assert client.v1.payment_intents.retrieve(later["payment_intent"]).status == "processing"
    assert box.control(f"sessions/{session_id}/{step}")["payment_status"] == payment_status
    assert client.v1.payment_intents.retrieve(later["payment_intent"]).status == intent_status
    assert events_of(client) == ["checkout.session.completed", *events]
    with pytest.raises(SandboxFailed, match=r": (409|400) "):
        box.control(f"sessions/{session_id}/settle")
    assert events_of(client) == ["checkout.session.completed", *events]


def test_cards_only_means_no_paying_later(box: SandboxProcess, open_session: Callable[..., Any]) -> None:
    """A session for cards takes no delayed method, unless a test forces it. REQ OF-05"""
    session_id = open_session(allowed_payment_method_types=["card"]).id
    with pytest.raises(SandboxFailed, match="no delayed payment method"):
        box.control(f"sessions/{session_id}/pay_later")
    assert box.control(f"sessions/{session_id}/pay_later", force=True)["payment_status"] == "unpaid"


def test_nothing_to_pay_completes_without_a_payment(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """A total of 0 completes as no_payment_required, without intent or charge. REQ OF-10"""
    done = box.control(f"sessions/{open_session(line_items=priced(0)).id}/pay")
    assert (done["payment_status"], done["payment_intent"]) == ("no_payment_required", None)
    assert client.v1.charges.list({}).data == []
    assert events_of(client) == ["checkout.session.completed"]


def test_time_expires_a_session_and_nobody_can_pay_it(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """Advancing to expires_at closes it with its event, one second before does not. REQ OF-08"""
    session = open_session(expires_at=int(time.time()) + 2400)
    assert box.control("clock", advance_seconds=2300)["expired_sessions"] == 0
    assert client.v1.checkout.sessions.retrieve(session.id).expires_at == session.expires_at - 2300
    assert box.control("clock", advance_seconds=100)["expired_sessions"] == 1
    with pytest.raises(SandboxFailed, match="has a status of `expired`"):
        box.control(f"sessions/{session.id}/pay")
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert events_of(client) == ["checkout.session.expired"]


def test_a_session_expires_by_itself(
    box: SandboxProcess, receiver: Receiver, open_session: Callable[..., Any]
) -> None:
    """Real time alone sends checkout.session.expired, without any request. REQ PA-09"""
    open_session(expires_at=int(time.time()) + 2400)
    box.control("clock", advance_seconds=2399)
    receiver.wait_for(1)
    assert receiver.types == ["checkout.session.expired"]


def test_expiring_after_a_decline_cancels_the_intent(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """A PaymentIntent of an expired session can no longer be paid. REQ OF-08"""
    declined = box.control(f"sessions/{open_session().id}/decline")
    client.v1.checkout.sessions.expire(declined["id"])
    assert client.v1.payment_intents.retrieve(declined["payment_intent"]).status == "canceled"


@pytest.mark.parametrize("change", [{"amount_total": 1}, {"currency": "eur"}, {"livemode": True}])
def test_tampering_shows_in_session_and_event(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any], change: dict[str, Any]
) -> None:
    """Mismatches can be made, to prove that they are quarantined. REQ PA-10"""
    session_id = open_session().id
    box.control(f"sessions/{session_id}/tamper", **change)
    box.control(f"sessions/{session_id}/pay")
    event = client.v1.events.list({"type": "checkout.session.completed"}).data[0].to_dict()
    name, value = next(iter(change.items()))
    assert event["data"]["object"][name] == value
    assert event["livemode"] is (name == "livemode")


def test_events_filter_by_type_time_and_delivery(
    box: SandboxProcess, client: stripe.StripeClient, receiver: Receiver, open_session: Callable[..., Any]
) -> None:
    """types[], created and delivery_success find what a lost webhook left. REQ PA-08"""
    box.control("faults", webhooks="drop", event_type="checkout.session.completed")
    box.control(f"sessions/{open_session().id}/pay")
    box.control("deliveries/flush")
    lost = client.v1.events.list({"delivery_success": False}).data
    assert [(event.type, event.pending_webhooks) for event in lost] == [("checkout.session.completed", 1)]
    wanted = {
        "types": ["charge.succeeded", "payment_intent.succeeded"],
        "created": {"gte": int(time.time()) - 60},
    }
    found = client.v1.events.list(wanted)  # type: ignore[arg-type]
    assert [event.type for event in found.data] == ["payment_intent.succeeded", "charge.succeeded"]
    event = client.v1.events.retrieve(lost[0].id)
    assert (event.api_version, event.livemode) == ("2026-10-28.endive", False)


def test_an_event_names_the_request_that_caused_it(
    client: stripe.StripeClient, open_session: Callable[..., Any], box: SandboxProcess
) -> None:
    """An expiry through the API carries its request and key, a payment on the page none. REQ PA-12"""
    expire: Any = client.v1.checkout.sessions.expire
    expired = expire(open_session().id, {}, {"idempotency_key": "expire-1"})
    box.control(f"sessions/{open_session().id}/pay")
    by_type = {event.type: event.to_dict()["request"] for event in client.v1.events.list({}).data}
    request = {"id": expired.last_response.request_id, "idempotency_key": "expire-1"}
    assert by_type["checkout.session.expired"] == request
    assert by_type["checkout.session.completed"] == {"id": None, "idempotency_key": None}
