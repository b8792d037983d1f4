"""Webhooks: signed, durable, repeated until taken, and disturbed on request."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.testing import SandboxProcess
from sandbox.tests.conftest import client_of
from sandbox.tests.receiver import SECRET, Receiver

PAID = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def test_webhooks_verify_with_the_real_library(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """construct_event takes each body, and refuses another secret or a changed body. REQ PA-03"""
    paid = paid_session(metadata={"name": "Žofie Škodová 🎟"})
    box.control("deliveries/flush")
    assert receiver.types == PAID
    last = receiver.received[-1]
    event = stripe.Webhook.construct_event(last.body, last.signature, SECRET).to_dict()
    assert (event["data"]["object"]["id"], event["object"]) == (paid["id"], "event")
    assert event["data"]["object"]["metadata"] == {"name": "Žofie Škodová 🎟"}
    for body, secret in ((last.body, "whsec_other"), (last.body.replace(b"1999", b"1"), SECRET)):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, last.signature, secret)


def test_what_is_not_taken_is_sent_again(
    box: SandboxProcess, receiver: Receiver, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """Only 2xx counts: 500 and a redirect come again with a new signature and the same event. REQ PA-03"""
    receiver.answers = [500, 302]
    client.v1.checkout.sessions.expire(open_session().id)
    receiver.wait_for(3)
    box.control("deliveries/flush")
    assert len({received.event.id for received in receiver.received}) == 1
    row = box.control("deliveries")["deliveries"][0]
    assert (row["state"], row["attempts"], row["last_status"]) == ("delivered", 3, 200)
    assert client.v1.events.retrieve(receiver.received[0].event.id).pending_webhooks == 0


def test_owed_webhooks_survive_kill_9(
    box: SandboxProcess, receiver: Receiver, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """A delivery that failed before the crash arrives after the restart. REQ PA-09"""
    receiver.answers = [503]
    session = open_session()
    client.v1.checkout.sessions.expire(session.id)
    receiver.wait_for(1)
    box.kill()
    box.start()
    receiver.wait_for(2)
    assert receiver.received[0].event.id == receiver.received[1].event.id
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_the_api_answers_while_a_webhook_waits(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """An endpoint may ask the API back before it answers. REQ PA-03"""
    asked: list[str] = []

    def ask_back() -> None:
        event = receiver.received[-1].event
        if event.type == "checkout.session.completed":
            session = client_of(box).v1.checkout.sessions.retrieve(event.data.object["id"])
            asked.append(str(session.payment_status))

    receiver.before_answer = ask_back
    paid_session()
    box.control("deliveries/flush")
    assert asked == ["paid"]


def test_dropped_webhooks_never_arrive(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """`drop` loses so many, counted; the rest arrives. REQ PA-08"""
    box.control("faults", webhooks="drop", times=2)
    paid_session()
    counts = box.control("deliveries/flush")
    assert receiver.types == ["checkout.session.completed"]
    assert (counts["dropped"], counts["delivered"]) == (2, 1)


def test_duplicates_are_the_same_event_twice(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """`duplicate` sends one event id two times, to one endpoint. REQ PA-04"""
    box.control("faults", webhooks="duplicate", event_type="checkout.session.completed")
    paid_session()
    box.control("deliveries/flush")
    ids = [
        received.event.id
        for received in receiver.received
        if received.event.type == "checkout.session.completed"
    ]
    assert (len(ids), len(set(ids)), len(receiver.received)) == (2, 1, 4)


def test_reordering_reverses_the_next_events(
    box: SandboxProcess, receiver: Receiver, open_session: Callable[..., Any]
) -> None:
    """`reorder` holds three and lets them go last first, without being asked. REQ PA-04"""
    box.control("faults", webhooks="reorder", times=3)
    box.control(f"sessions/{open_session().id}/pay")
    receiver.wait_for(3)
    assert receiver.types == PAID[::-1]


def test_a_half_filled_reordering_goes_with_the_flush(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """Held ones wait for their number, or for the flush, which ends the fault. REQ PA-04"""
    box.control("faults", webhooks="reorder", times=10)
    paid_session()
    assert box.control("deliveries")["counts"]["held"] == 3
    assert box.control("deliveries/flush")["delivered"] == 3
    assert receiver.types == PAID[::-1]
    assert box.control("faults") == {"faults": []}


def test_delayed_webhooks_wait_for_their_time_or_the_clock(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """`delay` holds an event back; advancing the clock brings it. REQ PA-04"""
    box.control("faults", webhooks="delay", event_type="checkout.session.completed", delay_seconds=3600)
    paid_session()
    receiver.wait_for(2)
    waiting = box.control("deliveries")["deliveries"][0]
    assert (waiting["type"], waiting["state"]) == ("checkout.session.completed", "pending")
    assert 3590 < waiting["due_in_seconds"] <= 3600
    box.control("clock", advance_seconds=3600)
    receiver.wait_for(3)
    assert receiver.types == PAID
    assert abs(int(receiver.received[-1].signature.split(",")[0][2:]) - time.time()) < 30


def test_each_endpoint_gets_each_event(
    box: SandboxProcess, receiver: Receiver, paid_session: Callable[..., Any]
) -> None:
    """A dead endpoint does not keep the others from their webhooks. REQ PA-09"""
    box.set_webhook_urls("http://127.0.0.1:9/none", receiver.url)
    paid_session()
    receiver.wait_for(3)
    assert receiver.types == PAID
    # The last answer reaches the receiver a moment before the sandbox has noted it.
    end = time.monotonic() + 10
    while (pending := box.control("deliveries")["counts"]["pending"]) != 3 and time.monotonic() < end:
        time.sleep(0.02)
    assert pending == 3


def test_a_signed_event_can_be_fetched_without_an_endpoint(
    box: SandboxProcess, client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """The body and signature of any event, for tests that post it themselves. REQ PA-03"""
    paid_session()
    event = client.v1.events.list({"limit": 1}).data[0]
    signed = box.control(f"events/{event.id}/signed")
    assert stripe.Webhook.construct_event(signed["body"], signed["stripe_signature"], SECRET).id == event.id
