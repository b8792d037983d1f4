"""Money: an integer of minor units and a currency, in one frozen value.

Decimals exist at the door only (``parse_decimal``, ``decimal_string``); nothing else divides by 100.
Exponents: ISO 4217 as Stripe reads it (Stripe: "Supported currencies", zero- and three-decimal ones; ISK is
sent in hundredths of whole krónur there, HUF and TWD are two-decimal for charges, on UGX its pages
disagree, so it is not supported).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

ZERO_DECIMAL = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF",
    "XPF",
})  # fmt: skip
THREE_DECIMAL = frozenset({
    "BHD", "JOD", "KWD", "OMR", "TND",
})  # fmt: skip
TWO_DECIMAL = frozenset({
    "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "KES", "MAD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN",
    "QAR", "RON", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "UYU", "ZAR",
})  # fmt: skip
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL

# Stripe's 8-digit limit on one amount, in minor units.
MAXIMUM_MINOR = 99_999_999

# Stripe: "Minimum and maximum charge amounts", in minor units; a currency that is not listed has none that
# we know.
MINIMUM_MINOR = {
    "USD": 50, "EUR": 50, "CAD": 50, "AUD": 50, "CHF": 50, "BRL": 50, "NZD": 50, "SGD": 50, "INR": 50,
    "GBP": 30, "JPY": 50, "SEK": 300, "NOK": 300, "DKK": 250, "PLN": 200, "HKD": 400, "MXN": 1000,
    "HUF": 17500, "CZK": 1500, "RON": 200, "BGN": 100, "AED": 200, "MYR": 200, "THB": 1000,
}  # fmt: skip

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?", re.ASCII)
_TOO_LARGE = 10**12


class NotMoney(ValueError):
    """The text is not an amount of that currency; the message says why, for a person."""


def exponent(currency: str) -> int:
    """Return how many decimals the currency has: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    if currency in THREE_DECIMAL:
        return 3
    if currency in TWO_DECIMAL:
        return 2
    raise NotMoney(f"{currency!r} is not a supported currency.")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Adding two currencies is an error."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int) -> "Money":
        return Money(self.amount * factor, self.currency)

    def _same(self, other: "Money") -> None:
        if other.currency != self.currency:
            raise NotMoney(f"Cannot combine {self.currency} and {other.currency}.")

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def as_json(self) -> dict[str, int | str]:
        """Return the shape that totals, refunds and revenue have on every door."""
        return {"amount": self.amount, "currency": self.currency}


def decimal_string(money: Money) -> str:
    """Return the price as it goes out of the door: ``19.99``, ``1999`` (JPY), ``1.999`` (KWD)."""
    return f"{money.decimal:.{exponent(money.currency)}f}"


def plain_decimal(text: object, *, wanted: str = "the price as a decimal such as 19.99") -> str:
    """Return a price's notation when it is a plain decimal, as string, int or ``Decimal``, not negative.

    Raises ``NotMoney`` for anything else, asking for what is ``wanted``: ``"1.5.5"``, ``"1e3"``, ``"NaN"``, a
    float, digits of other scripts. A decimal below nothing is told as such.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        raise NotMoney(f"Give {wanted}, as a text.")
    if isinstance(text, int) and abs(text) >= _TOO_LARGE:
        raise NotMoney(f"Give {wanted}.")  # str() of a huge int is an error of its own
    plain = format(text, "f") if isinstance(text, Decimal) else str(text)
    if _DECIMAL.fullmatch(plain) is None:
        is_negative = _DECIMAL.fullmatch(plain.removeprefix("-")) is not None
        raise NotMoney("It is not less than 0." if is_negative else f"Give {wanted}.")
    return plain


def parse_decimal(
    text: object, currency: str, *, wanted: str = "the price as a decimal such as 19.99"
) -> Money:
    """Read a price as it comes in at the door, exactly, in a currency.

    Raises ``NotMoney`` for what ``plain_decimal`` refuses, for more decimals than the currency has (zeros
    at the end do not count) and for a currency that is not supported. ``wanted``: what it asks for.
    """
    places = exponent(currency)
    value = Decimal(plain_decimal(text, wanted=wanted))
    if value != value.quantize(Decimal(1).scaleb(-places)):
        raise NotMoney(f"{currency} has {places} decimals." if places else f"{currency} has no decimals.")
    return Money(int(value.scaleb(places)), currency)


def format_money(money: Money) -> str:
    """Return the amount as people read it, ``$1,999.00``, ``¥500``, ``12.000 KWD``.

    Negative ones with a minus.
    """
    sign = "-" if money.amount < 0 else ""
    number = f"{abs(money.decimal):,.{exponent(money.currency)}f}"
    symbol = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}.get(money.currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {money.currency}"


def format_fraction(fraction: float | None, decimals: int = 1) -> str:
    """Return a rate in 0..1 as a percentage, ``12.5 %``, or ``N/A`` where there is none."""
    return "N/A" if fraction is None else f"{fraction * 100:.{decimals}f} %"
