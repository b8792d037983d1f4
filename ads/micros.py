"""Micro-units: millionths of a currency's whole unit, in which ads are billed. Rounded when a day closes."""

from common.money import exponent


def micros_of(amount: int | None, currency: str) -> int | None:
    """Return minor units as micro-units; None stays None."""
    return None if amount is None else amount * 10 ** (6 - exponent(currency))


def micros_per_impression(price_amount: int, currency: str) -> int:
    """Return what one impression costs at a price for a thousand.

    Always whole: no currency has more than three decimals.
    """
    factor: int = 10 ** (3 - exponent(currency))
    return price_amount * factor


def minor_units_of(micros: int, currency: str) -> int:
    """Return micro-units as minor units, rounded half to even."""
    unit: int = 10 ** (6 - exponent(currency))
    whole, rest = divmod(micros, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))
