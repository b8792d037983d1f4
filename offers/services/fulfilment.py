"""Giving the buyer what was bought (REQUIREMENTS OF-11). Never marked fulfilled without it having happened.

Content and upgrades are given by the job ``offers.fulfil``; merchandise and services wait for staff
(``offers.services.staff_fulfilment``). Everything happens under the offer's, the purchase's and the order's lock, so a
refund or a dispute comes either before, and is respected, or after, and takes the goods back.
"""

import secrets
from datetime import datetime
from uuid import UUID

from common.outbox import enqueue
from offers.models import Fulfillment, FulfillmentStatus, OfferType, Purchase
from offers.services import inventory, messages, names
from payments.models import Order, OrderState
from payments.services import following
from payments.services.front_pages import order_page
from payments.services.settling import return_undeliverable
from tickets.errors import UpgradeNotPossible
from tickets.services import upgrades

# No 0/O, 1/I/L, no vowels that make words: read over the phone without mistakes.
_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
_GROUPS, _GROUP_LENGTH = 4, 4

MANUAL_TYPES = frozenset({OfferType.MERCHANDISE, OfferType.SERVICE})
# What may still become fulfilled.
UNFINISHED = (
    FulfillmentStatus.PENDING,
    FulfillmentStatus.PROCESSING,
    FulfillmentStatus.PENDING_MANUAL,
    FulfillmentStatus.FAILED,
)


def begin(purchase: Purchase, order: Order, *, now: datetime) -> Fulfillment:
    """Write down that the goods of a sale are owed, and queue the job that gives them where no person
    must.
    """
    manual = purchase.offer.offer_type in MANUAL_TYPES
    status = FulfillmentStatus.PENDING_MANUAL if manual else FulfillmentStatus.PENDING
    fulfillment = Fulfillment(purchase=purchase, offer=purchase.offer, status=status, created_at=now)
    fulfillment.save(force_insert=True)
    if not manual:
        enqueue_fulfilment(purchase.pk, order.organization_id, now=now)
    return fulfillment


def enqueue_fulfilment(purchase_id: UUID, organization_id: UUID, *, now: datetime) -> None:
    """Queue the job that fulfils a purchase; one at a time."""
    enqueue(
        names.FULFIL_JOB,
        {"purchase_id": str(purchase_id)},
        now=now,
        dedupe_key=names.fulfil_key(purchase_id),
        organization_id=organization_id,
    )


def fulfil(purchase_id: UUID, *, now: datetime) -> FulfillmentStatus:
    """Give the goods of a purchase once, in the caller's transaction, and return where it stands.

    Does nothing when they were given, cancelled, wait for staff, or the order is not to be fulfilled (not
    paid, refunded, disputed). What can finally not be given is refunded. Raises what else the goods' own room raises;
    the job then tries again.
    """
    purchase, order, fulfillment = lock_fulfilment(purchase_id)
    status = FulfillmentStatus(fulfillment.status)
    if status not in (FulfillmentStatus.PENDING, FulfillmentStatus.FAILED):
        return status
    obstacle = obstacle_of(purchase, order)
    if obstacle:
        fulfillment.note = obstacle
        fulfillment.save(update_fields=["note"])
        return status
    if purchase.offer.offer_type == OfferType.TICKET_UPGRADE:
        _upgrade(purchase, order, fulfillment, now)
    elif purchase.offer.offer_type == OfferType.EXCLUSIVE_CONTENT:
        _grant_access(purchase, order, fulfillment, now)
    else:
        fulfillment.status = FulfillmentStatus.PENDING_MANUAL
        fulfillment.save(update_fields=["status"])
    return FulfillmentStatus(fulfillment.status)


def resume(purchase: Purchase, order: Order, *, now: datetime) -> None:
    """Owe the goods again that a dispute or a refund had stopped; the offer's and the order's locks are
    held.
    """
    manual = purchase.offer.offer_type in MANUAL_TYPES
    status = FulfillmentStatus.PENDING_MANUAL if manual else FulfillmentStatus.PENDING
    stopped = Fulfillment.objects.filter(
        purchase=purchase, revoked_at__isnull=True,
        status__in=(FulfillmentStatus.CANCELLED, FulfillmentStatus.PENDING),
    )  # fmt: skip
    if stopped.update(status=status, note="", failure="") and not manual:
        enqueue_fulfilment(purchase.pk, order.organization_id, now=now)


def fail(purchase_id: UUID, reason: str) -> None:
    """Mark a purchase whose job gave up, so that staff see it; in the transaction that marks the job dead."""
    unfinished = Fulfillment.objects.filter(purchase_id=purchase_id, status=FulfillmentStatus.PENDING)
    unfinished.update(status=FulfillmentStatus.FAILED, failure=reason[:500])


def lock_fulfilment(purchase_id: UUID) -> tuple[Purchase, Order, Fulfillment]:
    """Lock offer, purchase, order and fulfilment in the house's order and return the last three.

    Raises ``NotFound``.
    """
    purchase = inventory.lock_purchase(purchase_id)
    order = Order.objects.select_for_update(of=("self",)).select_related("buyer").get(pk=purchase.order_id)
    fulfillment = Fulfillment.objects.select_for_update().get(purchase_id=purchase_id)
    # What is loaded already names the row in the audit history.
    purchase.order, fulfillment.purchase, fulfillment.offer = order, purchase, purchase.offer
    return purchase, order, fulfillment


def obstacle_of(purchase: Purchase, order: Order) -> str:
    """Say why the goods are not to be given now; empty when they are."""
    if order.state != OrderState.PAID:
        return "The order is not paid."
    if not purchase.sold_units:
        return following.REFUNDED
    return following.obstacle_of(order)


def mark_fulfilled(fulfillment: Fulfillment, *fields: str, now: datetime) -> None:
    """Save a fulfilment as done, with the fields that say what was given."""
    fulfillment.status, fulfillment.fulfilled_at = FulfillmentStatus.FULFILLED, now
    fulfillment.failure = fulfillment.note = ""
    fulfillment.save(update_fields=["status", "fulfilled_at", "failure", "note", *fields])


def new_access_code() -> str:
    """Return an unguessable code of 16 letters and digits (76 bits) in groups of four."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def _grant_access(purchase: Purchase, order: Order, fulfillment: Fulfillment, now: datetime) -> None:
    fulfillment.access_code = new_access_code()
    fulfillment.access_url = purchase.offer.content_url or order_page(order.pk)
    mark_fulfilled(fulfillment, "access_code", "access_url", now=now)
    messages.send_access_code(purchase, order, fulfillment, now=now)


def _upgrade(purchase: Purchase, order: Order, fulfillment: Fulfillment, now: datetime) -> None:
    try:
        upgrades.settle_upgrade(cause=purchase.pk, now=now)
    except UpgradeNotPossible:
        _give_up(purchase, order, fulfillment, now)
        return
    mark_fulfilled(fulfillment, now=now)
    messages.send_upgraded(purchase, order, now=now)


def _give_up(purchase: Purchase, order: Order, fulfillment: Fulfillment, now: datetime) -> None:
    """End an upgrade whose ticket was voided or moved since the payment: no trying again mends that.

    Its place is free, and all money goes back. Where there is none, or its refund failed, staff see it as failed.
    """
    upgrades.release_upgrade(cause=purchase.pk, now=now)
    fulfillment.status, fulfillment.failure = (
        FulfillmentStatus.FAILED,
        "The ticket can no longer be upgraded.",
    )
    fulfillment.save(update_fields=["status", "failure"])
    if return_undeliverable(order, now=now):
        # The refund that is under way has stopped it.
        fulfillment.refresh_from_db(fields=["status", "note"])
