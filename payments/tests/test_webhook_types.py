"""Each type of event that we act on, through the door: posted signed, stored, worked, and what it did.

Nothing but that one event is heard of what happened at Stripe, so each has to bring what it tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from common import clock
from common.inbox.models import InboxStatus
from payments.models import LedgerKind, Order, OrderEvent, OrderStatus, Payment
from payments.services.applying import apply_order
from payments.services.stripe_events import HANDLED_TYPES
from payments.tests.factories import Shop, buy
from payments.tests.webhooks import hear, told
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

Scene = Callable[["Sale"], None]
# Where the order stands, units held and sold, the ledger without fees, refunds, disputes.
Standing = tuple[tuple[str, str], tuple[int, int], list[int], list[str], list[str]]


@dataclass
class Sale:
    """One order of one unit at 19.99, and Stripe to act at."""

    shop: Shop
    stripe: SandboxProcess

    def __post_init__(self) -> None:
        self.order, opened = buy(self.shop)
        self.session = opened.checkout_session_id

    def on_the_page(self, *steps: str) -> None:
        for step in steps:
            forced = {"force": True} if step == "pay_later" else {}
            self.stripe.control(f"sessions/{self.session}/{step}", **forced)

    def known(self, *steps: str) -> None:
        """Let it happen, and let us know."""
        self.on_the_page(*steps)
        apply_order(self.order.pk, now=clock.now())

    def to_the_charge(self, step: str, **how: Any) -> None:
        intent = Payment.objects.get(order=self.order).payment_intent_id
        self.stripe.control(f"charges/{intent}/{step}", **how)

    def to_the_refund(self, step: str) -> None:
        refund = self.order.refunds.get().stripe_refund_id
        self.stripe.control(f"refunds/{refund}/{step}")

    def stands(self) -> Standing:
        order = Order.objects.get(pk=self.order.pk)
        moved = order.ledger.exclude(kind=LedgerKind.FEE).order_by("recorded_at", "kind")
        return (
            (order.state, order.status),
            self.shop.stock(),
            list(moved.values_list("amount", flat=True)),
            list(order.refunds.values_list("status", flat=True)),
            list(order.disputes.values_list("status", flat=True)),
        )


def page(*steps: str) -> Scene:
    return lambda sale: sale.on_the_page(*steps)


def charge(step: str, **how: Any) -> Scene:
    return lambda sale: sale.to_the_charge(step, **how)


def refund(step: str) -> Scene:
    return lambda sale: sale.to_the_refund(step)


def nothing(sale: Sale) -> None:
    """Nobody paid."""


def paid(sale: Sale) -> None:
    sale.known("pay")


def paid_later(sale: Sale) -> None:
    sale.known("pay_later")


def going_back(sale: Sale) -> None:
    sale.known("pay")
    sale.stripe.control("faults", refunds="pending", times=1)
    sale.to_the_charge("refund", amount=500)
    sale.known()


def disputed(sale: Sale) -> None:
    sale.known("pay")
    sale.to_the_charge("dispute")
    sale.known()


HELD: Standing = (("open", "PENDING"), (1, 0), [], [], [])
PROCESSING: Standing = (("processing", "PENDING"), (1, 0), [], [], [])
EXPIRED: Standing = (("expired", "EXPIRED"), (0, 0), [], [], [])
FAILED: Standing = (("failed", "FAILED"), (0, 0), [], [], [])
SOLD: Standing = (("paid", "COMPLETED"), (0, 1), [1999], [], [])
GOING_BACK: Standing = (("paid", "COMPLETED"), (0, 1), [1999], ["pending"], [])
REFUNDED: Standing = (("paid", "PARTIALLY_REFUNDED"), (0, 1), [1999, -500], ["succeeded"], [])
NOT_REFUNDED: Standing = (("paid", "COMPLETED"), (0, 1), [1999], ["failed"], [])
DISPUTED: Standing = (("paid", "DISPUTED"), (0, 1), [1999, -1999], [], ["needs_response"])
REVIEWED: Standing = (("paid", "DISPUTED"), (0, 1), [1999, -1999], [], ["under_review"])
LOST: Standing = (("paid", "DISPUTED"), (0, 1), [1999, -1999], [], ["lost"])
WON: Standing = (("paid", "COMPLETED"), (0, 1), [1999, -1999, 1999], [], ["won"])

# What is known before, what then happens at Stripe, and how the sale stands before and after we hear of it.
CASES: list[tuple[str, Scene, Scene, Standing, Standing]] = [
    ("checkout.session.completed", nothing, page("pay"), HELD, SOLD),
    # Complete and not paid yet: nothing is given, the goods stay held.
    ("checkout.session.completed", nothing, page("pay_later"), HELD, PROCESSING),
    ("checkout.session.expired", nothing, page("expire"), HELD, EXPIRED),
    ("checkout.session.async_payment_succeeded", paid_later, page("settle"), PROCESSING, SOLD),
    ("checkout.session.async_payment_failed", paid_later, page("fail"), PROCESSING, FAILED),
    ("payment_intent.succeeded", nothing, page("pay"), HELD, SOLD),
    # A card that is declined ends nothing: the page stays open for another one.
    ("payment_intent.payment_failed", nothing, page("decline"), HELD, HELD),
    ("payment_intent.payment_failed", paid_later, page("fail"), PROCESSING, FAILED),
    ("charge.refunded", paid, charge("refund", amount=500), SOLD, REFUNDED),
    ("refund.created", paid, charge("refund", amount=500), SOLD, REFUNDED),
    ("refund.updated", going_back, refund("succeed"), GOING_BACK, REFUNDED),
    ("charge.refund.updated", going_back, refund("succeed"), GOING_BACK, REFUNDED),
    ("refund.failed", going_back, refund("fail"), GOING_BACK, NOT_REFUNDED),
    ("charge.dispute.created", paid, charge("dispute"), SOLD, DISPUTED),
    ("charge.dispute.funds_withdrawn", paid, charge("dispute"), SOLD, DISPUTED),
    ("charge.dispute.updated", disputed, charge("dispute/review"), DISPUTED, REVIEWED),
    ("charge.dispute.closed", disputed, charge("dispute/close", status="lost"), DISPUTED, LOST),
    ("charge.dispute.closed", disputed, charge("dispute/close", status="won"), DISPUTED, WON),
    ("charge.dispute.funds_reinstated", disputed, charge("dispute/close", status="won"), DISPUTED, WON),
]


@pytest.mark.parametrize(
    ("kind", "begun", "happens", "before", "after"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_each_event_does_its_work(
    shop: Shop, client: Client, stripe_sandbox: SandboxProcess, kind: str, begun: Scene, happens: Scene,
    before: Standing, after: Standing,
) -> None:  # fmt: skip
    """That one event brings us where Stripe is, is done and kept at its order; twice is as once. REQ PA-03 PA-04."""
    sale = Sale(shop, stripe_sandbox)
    begun(sale)
    happens(sale)
    assert sale.stands() == before
    # Stripe tells this one beside `refund.updated`, of the same refund; the stand-in does not.
    event = told(stripe_sandbox, kind.replace("charge.refund.updated", "refund.updated"))
    event["type"] = kind
    assert hear(client, event).status == InboxStatus.DONE
    assert sale.stands() == after
    kept = OrderEvent.objects.get(order=sale.order)
    assert kept.event_type == kind
    assert kept.note == f"Order {sale.order.number} is {OrderStatus(after[0][1]).label.lower()}."
    hear(client, event | {"id": "evt_again"})
    assert sale.stands() == after


def test_every_type_has_its_case() -> None:
    """A type that is added to those we act on is shown to do something. REQ PA-03."""
    assert {case[0] for case in CASES} == HANDLED_TYPES


def test_a_type_that_we_do_not_act_on_changes_nothing(
    shop: Shop, client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """Of an order of ours, and of money that did come: kept with its bytes, ignored, nothing moves. REQ PA-03."""
    sale = Sale(shop, stripe_sandbox)
    sale.on_the_page("pay")
    event = told(stripe_sandbox, "charge.succeeded")
    kept = hear(client, event)
    assert (kept.status, kept.event_type) == (InboxStatus.IGNORED, "charge.succeeded")
    assert event["data"]["object"]["id"].encode() in kept.content
    assert sale.stands() == HELD
    assert not OrderEvent.objects.exists()


def test_expired_told_after_completed_changes_nothing(
    shop: Shop, client: Client, stripe_sandbox: SandboxProcess
) -> None:
    """An old event of the paid session's end arrives late: it is done, and everything stays. REQ PA-04 OF-08."""
    sale = Sale(shop, stripe_sandbox)
    sale.on_the_page("pay")
    completed = told(stripe_sandbox, "checkout.session.completed")
    assert hear(client, completed).status == InboxStatus.DONE
    ended = completed["data"]["object"] | {"status": "expired", "payment_status": "unpaid"}
    late = {"id": "evt_late", "type": "checkout.session.expired", "data": {"object": ended}}
    payment = Payment.objects.filter(order=sale.order).values()
    before = list(payment)
    event = hear(client, completed | late)
    assert (event.status, event.event_type) == (InboxStatus.DONE, "checkout.session.expired")
    assert sale.stands() == SOLD
    assert list(payment.all()) == before
