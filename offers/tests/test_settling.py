"""Paying for an offer settles it once and whole: however it is heard of, how often, and what breaks on the way."""

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from common import clock
from common.errors import Busy
from common.inbox.models import InboxEvent, InboxStatus
from common.outbox.models import Job
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from notifications.models import EmailMessage
from offers.models import Fulfillment, Offer, Purchase
from offers.services import fulfilment
from offers.tests.factories import Door, make_offer, pay, stock
from payments import gateway
from payments.models import LedgerEntry, LedgerKind, Order, OrderState, OrderStatus, Payment
from payments.services import messages, standing
from payments.services.applying import apply_order
from payments.tests.webhooks import hear, told
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def bought(offer: Offer, quantity: int = 1) -> tuple[Order, str]:
    """Let somebody open the checkout of so many units."""
    answer = Door().buy(offer, quantity=quantity).json()
    return Order.objects.get(pk=answer["order"]["id"]), answer["checkout_session_id"]


def assert_given_once(order: Order) -> None:
    """One sale, one charge, one receipt, and the goods once."""
    purchase = Purchase.objects.get(order=order)
    assert (purchase.reserved_units, purchase.sold_units) == (0, order.quantity)
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.status, fresh.paid_amount) == (OrderStatus.COMPLETED, order.amount)
    charges = LedgerEntry.objects.filter(order=order, kind=LedgerKind.CHARGE)
    assert list(charges.values_list("amount", flat=True)) == [order.amount]
    given = Fulfillment.objects.get(purchase=purchase)
    assert (given.status, bool(given.access_code)) == ("FULFILLED", True)
    letters = EmailMessage.objects.filter(to=order.buyer.email).order_by("template")
    assert list(letters.values_list("template", flat=True)) == ["offers_access_code", "payments_receipt"]
    assert Job.objects.filter(kind="offers.fulfil").count() == 1


def test_a_webhook_that_comes_before_the_creation_answered(
    live_server: LiveServer, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paid, delivered and worked while the call that made the session is still open: the sale is made once, and the
    buyer, whose page is paid, is told so and sent to none. REQ PA-04 OF-05."""
    offer, person = make_offer(units=5), Door()
    create = gateway.create_session

    def slow(params: dict[str, object], *, key: str) -> gateway.SessionView:
        session = create(params, key=key)
        assert Payment.objects.get().session_id is None
        pay(stripe_sandbox, session.id)
        assert stripe_sandbox.control("deliveries/flush")["idle"]
        run_due()
        assert Payment.objects.get().session_id == session.id
        return session

    monkeypatch.setattr(gateway, "create_session", slow)
    answer = person.buy(offer, key="one")
    assert answer.status_code == 201, answer.content
    paid = answer.json()
    assert (paid["order"]["status"], paid["checkout_session_id"], paid["stripe_checkout_url"]) == (
        "COMPLETED", None, None,
    )  # fmt: skip
    done = InboxEvent.objects.filter(event_type="checkout.session.completed").values_list("status", flat=True)
    assert list(done) == [InboxStatus.DONE]
    assert person.buy(offer, key="one").json() == paid
    run_due()
    assert stock(offer) == (0, 1)
    assert_given_once(Order.objects.get())


def test_eight_at_once_settle_an_offer_once(stripe_sandbox: SandboxProcess, race: Race) -> None:
    """Webhooks, the return page and sweeps at one moment: one sale of what was reserved, and others' units stay theirs;
    who comes too late five times is told to come again. REQ PA-04 OF-04."""
    offer = make_offer(units=20)
    for _ in range(5):
        bought(offer, 3)
    order, session = bought(offer, 2)
    pay(stripe_sandbox, session)
    seen = race(8, lambda _: apply_order(order.pk, now=clock.now()))
    assert {getattr(one, "state", type(one)) for one in seen} <= {OrderState.PAID, Busy}
    assert stock(offer) == (15, 2)
    run_due()
    assert_given_once(order)


def everything() -> dict[str, list[Any]]:
    """Return every row that settling may write, except those of the event that is worked."""
    kinds: list[type[Model]] = [Offer, Purchase, Fulfillment, Order, Payment, LedgerEntry, EmailMessage]
    rows = {kind.__name__: list(kind._default_manager.order_by("pk").values()) for kind in kinds}
    jobs = Job.objects.exclude(kind="payments.stripe_event").order_by("pk")
    return rows | {"Job": list(jobs.values())}


@pytest.mark.parametrize(
    ("room", "act"), [(fulfilment, "enqueue"), (messages, "queue_email"), (standing, "announce")]
)
def test_settling_that_breaks_at_its_end_changes_nothing(
    client: Client,
    stripe_sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    room: ModuleType,
    act: str,
) -> None:
    """Stock, purchase, payment, order, ledger, goods, letters and jobs change together or not at all: what owes the
    goods, the receipt or the last word to the buyer is written, then fails. Tried again it settles once. REQ PA-04."""
    offer = make_offer(units=5)
    order, session = bought(offer, 2)
    pay(stripe_sandbox, session)
    before, write = everything(), getattr(room, act)

    def write_and_fail(*given: object, **terms: object) -> None:
        write(*given, **terms)
        assert everything() != before
        raise RuntimeError("out of order")

    with monkeypatch.context() as broken:
        broken.setattr(room, act, write_and_fail)
        event = hear(client, told(stripe_sandbox, "checkout.session.completed"))
    job = Job.objects.get(pk=event.job_id)
    assert (event.status, job.status, len(job.errors)) == (InboxStatus.RECEIVED, "pending", 1)
    assert "out of order" in job.errors[0]["error"]
    assert everything() == before
    run_due(clock.now() + timedelta(minutes=2))
    assert stock(offer) == (0, 2)
    assert_given_once(order)
