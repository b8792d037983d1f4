"""How amounts look in an order's timeline."""

from django import template

from common.money import Money, format_money

register = template.Library()


@register.filter
def as_money(amount: Money) -> str:
    """Return the amount as people read it."""
    return format_money(amount)
