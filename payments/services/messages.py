"""What buyers are told by e-mail about their money."""

from collections.abc import Mapping
from datetime import datetime

from common.money import Money, format_money
from notifications import kinds
from notifications.kinds import Channel, Kind
from notifications.services.email import queue_email
from notifications.templates import EmailTemplate, register
from payments.models import Order, Refund
from payments.services.front_pages import front_url

RECEIPT = EmailTemplate(
    "payments_receipt", ("order_number", "title", "quantity", "total", "order_url"), urgent=True
)
LATE_REFUND = EmailTemplate(
    "payments_late_refund", ("order_number", "title", "amount", "order_url"), urgent=True
)
REFUND = EmailTemplate("payments_refund", ("order_number", "title", "amount", "order_url"), urgent=True)
PURCHASES = Kind(
    "purchases",
    "Purchases and tickets",
    "Receipts, tickets and codes, deliveries, appointments and refunds.",
    is_transactional=True,
    channels=frozenset({Channel.EMAIL}),
)


def register_templates() -> None:
    """Make the room's messages known; called once when the app is ready."""
    kinds.register(PURCHASES)
    for template in (RECEIPT, LATE_REFUND, REFUND):
        register(template)
        kinds.assign(PURCHASES.name, template.name)


def send_receipt(order: Order, *, now: datetime) -> None:
    """Confirm what was bought and paid."""
    words = {
        "order_number": order.number,
        "title": order.title,
        "quantity": order.quantity,
        "total": format_money(order.total),
    }
    _send(order, RECEIPT, words, key=f"receipt:{order.pk}", now=now)


def send_late_refund(order: Order, refund: Refund, *, now: datetime) -> None:
    """Tell somebody whose payment came when nothing was left, or twice, that all of it goes back."""
    words = {
        "order_number": order.number,
        "title": order.title,
        "amount": format_money(Money(refund.amount, refund.currency)),
    }
    _send(order, LATE_REFUND, words, key=f"late-refund:{refund.pk}", now=now)


def send_refund(order: Order, refund: Refund, *, now: datetime) -> None:
    """Confirm money that went back."""
    words = {
        "order_number": order.number,
        "title": order.title,
        "amount": format_money(Money(refund.amount, refund.currency)),
    }
    _send(order, REFUND, words, key=f"refund:{refund.pk}", now=now)


def _send(
    order: Order, template: EmailTemplate, words: Mapping[str, object], *, key: str, now: datetime
) -> None:
    queue_email(
        template=template.name,
        to=order.buyer.email,
        user_id=order.buyer_id,
        context={**words, "order_url": front_url(f"orders/{order.pk}")},
        organization_id=order.organization_id,
        subject_ref=("order", order.pk),
        dedupe_key=key,
        now=now,
    )
