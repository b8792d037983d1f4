"""What staff do: ship merchandise, set appointments, try again. Each act is audited and told to the buyer."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common import audit
from common.db import retrying
from common.errors import FieldError, Invalid, NotFound
from common.types import Actor
from common.windows import instant_errors
from offers.errors import NotWaiting
from offers.models import Fulfillment, FulfillmentStatus, OfferType, Purchase
from offers.services import messages
from offers.services.fulfilment import (
    MANUAL_TYPES,
    enqueue_fulfilment,
    lock_fulfilment,
    mark_fulfilled,
    obstacle_of,
)
from payments.models import Order

MAXIMUM_CARRIER = MAXIMUM_TRACKING = 100
_FOR_STAFF = frozenset({FulfillmentStatus.PENDING_MANUAL, FulfillmentStatus.PROCESSING})
_WORKABLE = frozenset({FulfillmentStatus.FAILED, FulfillmentStatus.CANCELLED})


@retrying
@transaction.atomic
def start_work(actor: Actor, purchase_id: UUID, *, reason: str = "", now: datetime) -> Fulfillment:
    """Take a waiting fulfilment in hand, so that colleagues see it: PROCESSING.

    Raises ``NotFound``, ``Forbidden``, ``NotWaiting``.
    """
    _purchase, order, fulfillment = _open(actor, purchase_id, None)
    if fulfillment.status != FulfillmentStatus.PENDING_MANUAL:
        raise NotWaiting
    before = audit.snapshot(fulfillment)
    fulfillment.status = FulfillmentStatus.PROCESSING
    fulfillment.save(update_fields=["status"])
    _record(actor, "offers.fulfilment.start", order, fulfillment, before, now, reason)
    return fulfillment


@retrying
@transaction.atomic
def ship(
    actor: Actor, purchase_id: UUID, *, carrier: str, tracking_number: str, reason: str = "", now: datetime
) -> Fulfillment:
    """Fulfil merchandise: both carrier and tracking number are given, and the buyer is told.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``NotWaiting`` (also when the order is refunded or
    disputed).
    """
    carrier, tracking_number = carrier.strip(), tracking_number.strip()
    _check_shipping(carrier, tracking_number)

    def give(purchase: Purchase, order: Order, fulfillment: Fulfillment) -> None:
        fulfillment.carrier, fulfillment.tracking_number = carrier, tracking_number
        mark_fulfilled(fulfillment, "carrier", "tracking_number", now=now)
        messages.send_shipped(purchase, order, fulfillment, now=now)

    return _give(actor, purchase_id, OfferType.MERCHANDISE, "offers.fulfilment.ship", give, now, reason)


@retrying
@transaction.atomic
def set_appointment(
    actor: Actor, purchase_id: UUID, *, appointment_at: datetime, reason: str = "", now: datetime
) -> Fulfillment:
    """Fulfil a service: an appointment in the future is set, and the buyer is told.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``NotWaiting`` (also when the order is refunded or
    disputed).
    """
    wrong = list(instant_errors(appointment_at=appointment_at))
    if wrong:
        raise Invalid(errors=wrong)
    if appointment_at <= now:
        raise Invalid.field("appointment_at", "not_in_future", "The appointment has to be in the future.")

    def give(purchase: Purchase, order: Order, fulfillment: Fulfillment) -> None:
        fulfillment.appointment_at = appointment_at
        mark_fulfilled(fulfillment, "appointment_at", now=now)
        messages.send_appointment(purchase, order, fulfillment, now=now)

    return _give(actor, purchase_id, OfferType.SERVICE, "offers.fulfilment.appointment", give, now, reason)


@retrying
@transaction.atomic
def retry(actor: Actor, purchase_id: UUID, *, reason: str, now: datetime) -> Fulfillment:
    """Take up a fulfilment again that failed, or was stopped by a dispute that is over.

    Raises ``NotFound``, ``Forbidden``, ``NotWaiting``.
    """
    purchase, order, fulfillment = _open(actor, purchase_id, None)
    if fulfillment.status not in _WORKABLE or fulfillment.revoked_at is not None:
        raise NotWaiting
    _refuse_obstacles(purchase, order)
    before = audit.snapshot(fulfillment)
    manual = purchase.offer.offer_type in MANUAL_TYPES
    fulfillment.status = FulfillmentStatus.PENDING_MANUAL if manual else FulfillmentStatus.PENDING
    fulfillment.failure = fulfillment.note = ""
    fulfillment.save(update_fields=["status", "failure", "note"])
    if not manual:
        enqueue_fulfilment(purchase_id, order.organization_id, now=now)
    _record(actor, "offers.fulfilment.retry", order, fulfillment, before, now, reason)
    return fulfillment


def _check_shipping(carrier: str, tracking_number: str) -> None:
    errors = []
    for name, value, most in (
        ("carrier", carrier, MAXIMUM_CARRIER),
        ("tracking_number", tracking_number, MAXIMUM_TRACKING),
    ):
        if not value:
            errors.append(FieldError(name, "required", "Both carrier and tracking number are needed."))
        elif not value.isprintable():
            errors.append(FieldError(name, "unreadable_text", "Give printable characters in one line."))
        elif len(value) > most:
            errors.append(FieldError(name, "too_long", f"At most {most} characters."))
    if errors:
        raise Invalid(errors=errors)


def _give(
    actor: Actor,
    purchase_id: UUID,
    offer_type: OfferType,
    action: str,
    give: Callable[[Purchase, Order, Fulfillment], None],
    now: datetime,
    reason: str,
) -> Fulfillment:
    purchase, order, fulfillment = _open(actor, purchase_id, offer_type)
    if fulfillment.status not in _FOR_STAFF:
        raise NotWaiting
    _refuse_obstacles(purchase, order)
    before = audit.snapshot(fulfillment)
    give(purchase, order, fulfillment)
    _record(actor, action, order, fulfillment, before, now, reason)
    return fulfillment


def _open(
    actor: Actor, purchase_id: UUID, offer_type: OfferType | None
) -> tuple[Purchase, Order, Fulfillment]:
    """Lock a fulfilment that the actor may work on; one of another organization is not found."""
    if not Fulfillment.objects.filter(purchase_id=purchase_id).exists():
        raise NotFound
    purchase, order, fulfillment = lock_fulfilment(purchase_id)
    access.require(actor, order.organization_id, Capability.FULFIL)
    if offer_type is not None and purchase.offer.offer_type != offer_type:
        raise NotWaiting
    return purchase, order, fulfillment


def _refuse_obstacles(purchase: Purchase, order: Order) -> None:
    obstacle = obstacle_of(purchase, order)
    if obstacle:
        raise NotWaiting(obstacle)


def _record(
    actor: Actor,
    action: str,
    order: Order,
    fulfillment: Fulfillment,
    before: dict[str, object],
    now: datetime,
    reason: str = "",
) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=fulfillment,
        organization_id=order.organization_id,
        reason=reason,
        changes=audit.changes_between(before, fulfillment),
        now=now,
    )
