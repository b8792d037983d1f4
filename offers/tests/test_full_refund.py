"""All money back without restocking, before the goods were given: nothing is owed, and nobody is blocked."""

from dataclasses import replace

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import make_member
from common import clock
from common.outbox.models import Job
from common.outbox.testing import run_due
from offers.models import Fulfillment, FulfillmentStatus, OfferType
from offers.services import names
from offers.services.reconcile import reconcile
from offers.tests.factories import Door, make_offer, make_upgrade, pay, stock
from payments import gateway
from payments.models import OrderStatus
from payments.services import refund_records
from payments.services.closing import locked_order
from payments.services.following import goods_follow
from payments.services.refund_requests import request_refund, send_refund
from payments.types import RequestRefund
from sandbox.testing import SandboxProcess
from tickets.models import TierChange, TierChangeStatus
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)


def paid(sandbox: SandboxProcess, door: Door, offer: object, **body: object) -> Fulfillment:
    """Sell one unit that nobody has fulfilled yet: its job has not run."""
    answer = door.buy(offer, **body).json()  # type: ignore[arg-type]
    pay(sandbox, answer["checkout_session_id"])
    assert door.send("post", f"orders/{answer['order']['id']}/return").status_code == 200
    return Fulfillment.objects.select_related("purchase__order", "offer__event").get(
        purchase__order=answer["order"]["id"]
    )


def refund_all_but_the_unit(given: Fulfillment) -> None:
    """Give all the money back and keep the unit from being sold again."""
    owner = actor_of(make_member("owner", organization=given.offer.event.organization))
    command = RequestRefund(given.purchase.order_id, None, "Lost in the post", 0, owner)
    send_refund(request_refund(command, now=clock.now()).pk, now=clock.now())
    given.purchase.order.refresh_from_db()
    assert given.purchase.order.status == OrderStatus.REFUNDED


def test_an_upgrade_that_was_refunded_holds_no_place_and_does_not_block_its_ticket(
    stripe_sandbox: SandboxProcess,
) -> None:
    """The tier's place is free, the ticket may be upgraded again, the unit stays sold. REQ PA-07 OF-11."""
    offer, standard = make_upgrade(places=1)
    door = Door()
    ticket = make_ticket(holder=door.user, tier=standard)
    given = paid(stripe_sandbox, door, offer)
    refund_all_but_the_unit(given)
    run_due()
    given.refresh_from_db()
    assert (given.status, stock(offer)) == (FulfillmentStatus.CANCELLED, (0, 1))
    change = TierChange.objects.get(cause=given.purchase_id)
    assert (change.status, ticket.tier) == (TierChangeStatus.RELEASED, standard)
    assert reconcile(now=clock.now()) == []
    again = paid(stripe_sandbox, door, offer)
    run_due()
    again.refresh_from_db()
    ticket.refresh_from_db()
    assert (again.status, ticket.tier_id) == (FulfillmentStatus.FULFILLED, offer.upgrade_to_tier_id)


def test_a_parcel_that_was_refunded_waits_for_nobody(stripe_sandbox: SandboxProcess) -> None:
    """It leaves the staff's queue though its unit is not restocked. REQ PA-07 OF-11."""
    offer = make_offer(units=2, kind=OfferType.MERCHANDISE)
    given = paid(stripe_sandbox, Door(), offer)
    refund_all_but_the_unit(given)
    given.refresh_from_db()
    assert (given.status, given.note) == (FulfillmentStatus.CANCELLED, "The order was refunded.")
    assert stock(offer) == (0, 1)


def test_a_refund_that_fails_after_it_succeeded_owes_the_goods_again(stripe_sandbox: SandboxProcess) -> None:
    """The money is ours again, so the code is owed again, and given. REQ PA-07 OF-11."""
    given = paid(stripe_sandbox, Door(), make_offer(units=2))
    refund_all_but_the_unit(given)
    Job.objects.filter(kind=names.FULFIL_JOB).delete()
    payment = given.purchase.order.payments.get()
    (seen,) = gateway.refunds_of(str(payment.payment_intent_id))
    with locked_order(given.purchase.order_id) as order, goods_follow(order, now=clock.now()):
        refund_records.record_refunds(order, payment, [replace(seen, status="failed")], now=clock.now())
    run_due()
    given.refresh_from_db()
    given.purchase.order.refresh_from_db()
    assert (given.purchase.order.status, given.status) == (OrderStatus.COMPLETED, FulfillmentStatus.FULFILLED)
    assert given.access_code
