"""What makes an ad's price and budgets right, beside what was billed of it already."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from ads.micros import micros_of, micros_per_impression
from ads.models import PriceModel
from ads.models.ads import MAXIMUM_PRICE
from ads.services.ad_drafts import Draft
from ads.types.ads import MAXIMUM_BUDGET
from common.errors import FieldError
from common.money import CURRENCIES, Money, NotMoney, decimal_string, parse_decimal, plain_decimal

BUDGETS: Final = ("budget_total", "budget_daily")
# The fields that come in as decimals; their columns end in ``_amount``.
AMOUNTS: Final = ("price", *BUDGETS)


def read_amounts(ad: Draft, named: dict[str, Any]) -> list[FieldError]:
    """Put the named amounts into the draft in minor units of its currency; return, and mark, what is wrong."""
    errors = []
    if ad["currency"] not in CURRENCIES and ad.has_read("currency"):
        errors.append(
            FieldError("currency", "unknown", "Give a code such as USD of a currency that is paid in.")
        )
        ad.wrong.add("currency")
    for name in AMOUNTS:
        if name not in named or not ad.has_read(name):
            continue
        try:
            ad.values[f"{name}_amount"] = _minor_units(named[name], ad)
        except NotMoney as error:
            errors.append(FieldError(name, "not_a_price", str(error)))
            ad.wrong.add(name)
    return errors


def _minor_units(text: str | None, ad: Draft) -> int | None:
    if text is None:
        return None
    if not ad.has_read("currency"):
        # How many decimals it may have is not known; what is no decimal at all is told all the same.
        plain_decimal(text)
        return 1
    return parse_decimal(text, ad["currency"]).amount


def _amounts(ad: Draft) -> Iterator[FieldError]:
    if not ad.has_read("currency"):
        return
    currency = ad["currency"]
    for name, least, most in (
        ("price", 0, MAXIMUM_PRICE), *((budget, 1, MAXIMUM_BUDGET) for budget in BUDGETS),
    ):  # fmt: skip
        amount = ad[f"{name}_amount"]
        if amount is not None and not least <= amount <= most:
            lowest, highest = (decimal_string(Money(one, currency)) for one in (least, most))
            yield FieldError(name, "out_of_range", f"Give {lowest} to {highest} {currency}.")


def _currency(ad: Draft) -> Iterator[FieldError]:
    if ad.spend is None or not ad.has_read("currency") or ad["currency"] == ad.spend.ad.currency:
        return
    if ad.spend.billed_micros or ad.spend.flat_billed_at is not None:
        yield FieldError("currency", "immutable", f"It was billed in {ad.spend.ad.currency} already.")
        return
    for name in AMOUNTS:
        if ad[f"{name}_amount"] and not ad.named & {name, f"{name}_amount"}:
            yield FieldError(name, "required", f"Say it in {ad['currency']} too.")


def _flat_fee(ad: Draft) -> Iterator[FieldError]:
    if ad.spend is None or ad.spend.flat_billed_at is None or not ad.has_read("price", "price_model"):
        return
    if ad["price_model"] == PriceModel.FLAT and ad["price_amount"] != ad.spend.ad.price_amount:
        yield FieldError("price", "immutable", "The flat fee was billed already.")


def _budgets(ad: Draft) -> Iterator[FieldError]:
    if not ad.has_read("currency", "price", "price_model", *BUDGETS):
        return
    billed = 0 if ad.spend is None else ad.spend.billed_micros
    total, daily = (micros_of(ad[f"{name}_amount"], ad["currency"]) for name in BUDGETS)
    if total is not None and total < billed:
        yield FieldError("budget_total", "below_billed", "More than this was billed already.")
    if total is not None and total < billed + _fee_due(ad):
        yield FieldError("budget_total", "below_price", "What is left of it does not pay the flat fee.")
    if total is not None and daily is not None and daily > total:
        yield FieldError("budget_daily", "above_total", "A day's budget is not above the total.")
    for name, budget in (("budget_total", total), ("budget_daily", daily)):
        if budget is not None and budget < _one(ad):
            yield FieldError(name, "below_price", "It does not pay for a single one of what is billed.")


def _fee_due(ad: Draft) -> int:
    """Return what the first impression will bill of a flat fee, in micro-units."""
    is_billed = ad.spend is not None and ad.spend.flat_billed_at is not None
    if is_billed or ad["price_model"] != PriceModel.FLAT:
        return 0
    return micros_of(ad["price_amount"], ad["currency"]) or 0


def _one(ad: Draft) -> int:
    """Return what each impression, or each click, bills, in micro-units."""
    if ad["price_model"] == PriceModel.CPM:
        return micros_per_impression(ad["price_amount"], ad["currency"])
    return micros_of(ad["price_amount"], ad["currency"]) or 0 if ad["price_model"] == PriceModel.CPC else 0


RULES: tuple[Callable[[Draft], Iterator[FieldError]], ...] = (_amounts, _currency, _flat_fee, _budgets)
