"""What buyers are told by e-mail about their goods. Queued in the transaction that gives them."""

from datetime import datetime
from typing import Any

from notifications import kinds
from notifications.services.email import queue_email
from notifications.templates import EmailTemplate, register
from offers.models import Fulfillment, Purchase
from payments.models import Order
from payments.services.front_pages import order_page
from payments.services.messages import PURCHASES

_COMMON = ("order_number", "title", "quantity", "event_title", "order_url")
ACCESS_CODE = EmailTemplate("offers_access_code", (*_COMMON, "access_code", "access_url"), urgent=True)
UPGRADED = EmailTemplate("offers_ticket_upgraded", (*_COMMON, "ticket_number", "tier_name"), urgent=True)
SHIPPED = EmailTemplate("offers_shipped", (*_COMMON, "carrier", "tracking_number"), urgent=True)
APPOINTMENT = EmailTemplate("offers_appointment", (*_COMMON, "appointment_at"), urgent=True)


def register_templates() -> None:
    """Make the room's messages known; called once when the app is ready."""
    for template in (ACCESS_CODE, UPGRADED, SHIPPED, APPOINTMENT):
        register(template)
        kinds.assign(PURCHASES.name, template.name)


def send_access_code(purchase: Purchase, order: Order, fulfillment: Fulfillment, *, now: datetime) -> None:
    """Send the code and the address that opens the content."""
    words = {"access_code": fulfillment.access_code, "access_url": fulfillment.access_url}
    _send(purchase, order, ACCESS_CODE, words, now=now)


def send_upgraded(purchase: Purchase, order: Order, *, now: datetime) -> None:
    """Say that the ticket is of the better tier now."""
    ticket, tier = purchase.ticket, purchase.offer.upgrade_to_tier
    if ticket is None or tier is None:
        raise LookupError("An upgrade names its ticket and its tier")
    _send(purchase, order, UPGRADED, {"ticket_number": ticket.number, "tier_name": tier.name}, now=now)


def send_shipped(purchase: Purchase, order: Order, fulfillment: Fulfillment, *, now: datetime) -> None:
    """Say who carries the parcel and under which number."""
    words = {"carrier": fulfillment.carrier, "tracking_number": fulfillment.tracking_number}
    # The number is in the key: a corrected one is told again.
    _send(purchase, order, SHIPPED, words, now=now, version=fulfillment.tracking_number)


def send_appointment(purchase: Purchase, order: Order, fulfillment: Fulfillment, *, now: datetime) -> None:
    """Say when the service takes place, in the event's time zone."""
    if fulfillment.appointment_at is None:
        raise LookupError("A fulfilled service has its appointment")
    local = fulfillment.appointment_at.astimezone(purchase.offer.event.zone)
    words = {"appointment_at": f"{local:%A, %d %B %Y, %H:%M} ({local.tzname()})"}
    _send(purchase, order, APPOINTMENT, words, now=now, version=fulfillment.appointment_at.isoformat())


def _send(
    purchase: Purchase,
    order: Order,
    template: EmailTemplate,
    words: dict[str, Any],
    *,
    now: datetime,
    version: str = "",
) -> None:
    common = {
        "order_number": order.number,
        "title": purchase.offer.title,
        "quantity": purchase.quantity,
        "event_title": purchase.offer.event.title,
        "order_url": order_page(order.pk),
    }
    queue_email(
        template=template.name,
        to=order.buyer.email,
        user_id=order.buyer_id,
        context=common | words,
        organization_id=order.organization_id,
        subject_ref=("order", order.pk),
        dedupe_key=f"{template.name}:{purchase.pk}:{version}"[:200],
        now=now,
    )
