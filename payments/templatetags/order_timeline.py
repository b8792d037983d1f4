"""An order's timeline, and how amounts look in it."""

from django import template

from common.money import Money, format_money
from payments.models import Order
from payments.timeline import Entry, timeline

register = template.Library()

_KINDS = {
    "order": "Order",
    "refund": "Refund",
    "ledger": "Ledger",
    "dispute": "Dispute",
    "webhook": "Webhook",
    "email": "E-mail",
    "job": "Background work",
    "fulfilment": "Goods",
    "staff": "Staff",
}


@register.simple_tag
def timeline_of(order: Order) -> list[Entry]:
    """Return everything that happened with the order, the oldest first."""
    return timeline(order)


@register.filter
def kind_words(entry: Entry) -> str:
    """Return what sort of entry it is, in words."""
    return _KINDS.get(entry.kind, entry.kind.capitalize())


@register.filter
def as_money(amount: Money) -> str:
    """Return the amount as people read it."""
    return format_money(amount)
