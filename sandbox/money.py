"""Amounts as Stripe counts them: integers in the currency's minor unit, with Stripe's exceptions.

Source: docs.stripe.com/currencies (zero-decimal, three-decimal, special cases, minimum charge amounts).
"""

from sandbox.errors import ApiError

MAX_AMOUNT = 99_999_999


def _codes(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
# Charged in hundredths for compatibility although the currency has none: only whole units are accepted.
WHOLE_UNITS_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
TWO_DECIMAL = _codes(
    """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad
    cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg
    huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr
    mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek
    sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs wst xcd xcg yer zar zmw
    """
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL
MINIMUM_CHARGE = {"bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "jpy": 50}
for _minimum, _currencies in (
    (50, "usd aud brl cad chf eur inr nzd sgd"),
    (200, "aed myr pln ron"),
    (300, "nok sek"),
    (1000, "mxn thb"),
):
    MINIMUM_CHARGE |= dict.fromkeys(_codes(_currencies), _minimum)
_SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "krw": "₩",
    "brl": "R$",
    "aud": "A$",
    "cad": "CA$",
    "nzd": "NZ$",
    "hkd": "HK$",
    "mxn": "MX$",
}


def decimals(currency: str) -> int:
    """Digits after the point in Stripe's minor unit."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def check_amount(amount: int, currency: str, param: str) -> None:
    """Refuse what Stripe cannot carry: over 8 digits, or finer than the currency allows."""
    if amount > MAX_AMOUNT:
        raise ApiError(
            f"Amount must be no more than {format_money(MAX_AMOUNT, currency)}",
            code="amount_too_large",
            param=param,
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise ApiError(
            f"Invalid amount: in {currency.upper()} the last digit must be 0.",
            code="invalid_amount",
            param=param,
        )
    if currency in WHOLE_UNITS_IN_HUNDREDTHS and amount % 100:
        raise ApiError(
            f"Invalid amount: {currency.upper()} has no minor unit, the amount must be divisible by 100.",
            code="invalid_amount",
            param=param,
        )


def check_minimum(amount: int, currency: str, param: str) -> None:
    """Refuse totals over zero that are under Stripe's minimum charge."""
    minimum = MINIMUM_CHARGE.get(currency, 0)
    if 0 < amount < minimum:
        raise ApiError(
            f"The Checkout Session's total amount must be at least {format_money(minimum, currency)}.",
            code="amount_too_small",
            param=param,
        )


def stripe_fee(amount: int, currency: str) -> int:
    """2.9 % and 30 minor units (none in currencies without decimals), never over the amount itself."""
    fixed = {0: 0, 2: 30, 3: 90}[decimals(currency)]
    return min(amount, (amount * 29 + 500) // 1000 + fixed)


def format_money(amount: int, currency: str) -> str:
    """For people: `$1,999.00`, `¥2,000`, `1.230 KWD`."""
    digits = decimals(currency)
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), 10**digits)
    text = f"{whole:,}"
    if digits and currency not in WHOLE_UNITS_IN_HUNDREDTHS:
        text += f".{fraction:0{digits}d}"
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency.upper()}"
