"""What makes an offer right. One place for REST, GraphQL and the admin; the database's CHECKs say it again.

The rules look at the whole offer, so a partial update is judged merged with what it changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.errors import FieldError, Invalid, besides
from common.money import Money, NotMoney, parse_decimal
from common.web_addresses import is_web_address
from common.windows import instant_errors
from events.models import Event, Session
from offers.models import Offer, OfferType, Placement
from offers.types import (
    MAXIMUM_DESCRIPTION,
    MAXIMUM_TARGETS,
    MAXIMUM_TITLE,
    MAXIMUM_UNITS,
    MAXIMUM_URL,
    OfferInput,
)
from payments.services.orders import check_amount
from tickets.models import TicketTier

# REQUIREMENTS OF-02: price 0..999999.99, whatever the currency's decimals.
MAXIMUM_PRICE = "999999.99"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer as it would be: merged values, prices in minor units, beside what they are judged against."""

    values: dict[str, Any]
    event: Event
    existing: Offer | None
    named: frozenset[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def judge(given: OfferInput, *, event: Event, existing: Offer | None) -> dict[str, Any]:
    """Return the offer's columns, merged and read; raises ``Invalid`` with every field that is wrong.

    At most three queries: target sessions, tiers, other offers, each only where some are named.
    """
    named = given.given()
    errors: list[FieldError] = [*given.unreadable, *_unreadable(named)]
    values = (_defaults(event) if existing is None else _columns_of(existing)) | {
        name: value for name, value in named.items() if name not in _PRICES and name != "currency"
    }
    if "currency" in named and named["currency"] != event.currency:
        errors.append(FieldError("currency", "not_the_events", f"This event sells in {event.currency}."))
    for name in _PRICES:
        if name in named:
            _read_price(name, named[name], event.currency, values, errors)
    candidate = Candidate(_stripped(values), event, existing, frozenset(named))
    for rule in _RULES:
        # No field is compared with one that could not be read.
        wrong = {known.outermost for known in errors}
        errors = besides(errors, [one for one in rule(candidate) if _BESIDE.get(one.code) not in wrong])
    if errors:
        raise Invalid(errors=errors)
    return candidate.values


_PRICES = ("price", "original_price")
_TEXTS = ("title", "description", "image_url", "content_url")
# What a field is refused as beside another one: the code, and that other field.
_BESIDE = {
    "not_after_start": "starts_at", "below_price": "price", "not_an_upgrade": "offer_type",
    "not_content": "offer_type",
}  # fmt: skip


def _defaults(event: Event) -> dict[str, Any]:
    return {
        "title": "", "description": "", "offer_type": "", "placement": Placement.IN_EVENT.value,
        "price_amount": None, "original_price_amount": None, "currency": event.currency, "image_url": "",
        "inventory_total": None, "per_user_limit": None, "starts_at": None, "expires_at": None,
        "is_active": True, "target_sessions": [], "target_ticket_tiers": [], "requires_offer_id": None,
        "excludes_offer_id": None, "upgrade_to_tier_id": None, "content_url": "",
        "allows_delayed_payment": False,
    }  # fmt: skip


def _columns_of(offer: Offer) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in _defaults(offer.event)}


def _stripped(values: dict[str, Any]) -> dict[str, Any]:
    texts = {name: values[name].strip() for name in _TEXTS}
    lists = {name: list(dict.fromkeys(values[name])) for name in ("target_sessions", "target_ticket_tiers")}
    return values | texts | lists


def _unreadable(named: dict[str, Any]) -> Iterator[FieldError]:
    for name, value in named.items():
        if isinstance(value, str) and (
            "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
        ):
            yield FieldError(name, "unreadable_text", "This text contains characters that are not text.")


def _read_price(
    name: str, text: Any, currency: str, values: dict[str, Any], errors: list[FieldError]
) -> None:
    column = f"{name}_amount"
    if text is None and name == "original_price":
        values[column] = None
        return
    try:
        money = parse_decimal(text, currency)
    except NotMoney as error:
        errors.append(FieldError(name, "not_a_price", str(error)))
        return
    if money.decimal > parse_decimal(MAXIMUM_PRICE, "USD").decimal:
        errors.append(FieldError(name, "out_of_range", f"The price is 0 to {MAXIMUM_PRICE}."))
        return
    values[column] = money.amount


def _title(offer: Candidate) -> Iterator[FieldError]:
    if not offer["title"]:
        yield FieldError("title", "required", "Give a title.")
    elif len(offer["title"]) > MAXIMUM_TITLE:
        yield FieldError("title", "too_long", f"A title has at most {MAXIMUM_TITLE} characters.")
    if len(offer["description"]) > MAXIMUM_DESCRIPTION:
        yield FieldError("description", "too_long", f"At most {MAXIMUM_DESCRIPTION} characters.")


def _choices(offer: Candidate) -> Iterator[FieldError]:
    if not offer["offer_type"]:
        yield FieldError("offer_type", "required", "Say what is sold.")
    elif offer["offer_type"] not in OfferType.values:
        yield FieldError("offer_type", "invalid_choice", f"One of {', '.join(OfferType.values)}.")
    if offer["placement"] not in Placement.values:
        yield FieldError("placement", "invalid_choice", f"One of {', '.join(Placement.values)}.")


def _type_kept(offer: Candidate) -> Iterator[FieldError]:
    before = offer.existing
    if before is not None and offer["offer_type"] != before.offer_type and before.purchases.exists():
        yield FieldError("offer_type", "already_sold", "The type cannot change once somebody bought it.")


def _prices(offer: Candidate) -> Iterator[FieldError]:
    price, original = offer["price_amount"], offer["original_price_amount"]
    if price is None:
        yield FieldError("price", "required", "Give a price; 0 is free.")
        return
    if original is not None and original < price:
        yield FieldError("original_price", "below_price", "The original price is not below the price.")
    try:
        check_amount(Money(price, offer["currency"]), 1)
    except Invalid as refused:
        yield from (FieldError("price", error.code, error.message) for error in refused.errors)


def _numbers(offer: Candidate) -> Iterator[FieldError]:
    for name in ("inventory_total", "per_user_limit"):
        value = offer[name]
        if value is not None and not 1 <= value <= MAXIMUM_UNITS:
            yield FieldError(name, "out_of_range", "Give 1 or more, or null for no limit.")
    before, total = offer.existing, offer["inventory_total"]
    if before is not None and total is not None and 1 <= total < before.sold + before.reserved:
        taken = before.sold + before.reserved
        yield FieldError("inventory_total", "below_taken", f"{taken} units are sold or reserved already.")


def _window(offer: Candidate) -> Iterator[FieldError]:
    starts, ends = offer["starts_at"], offer["expires_at"]
    wrong = list(instant_errors(starts_at=starts, expires_at=ends))
    yield from wrong
    if not wrong and starts is not None and ends is not None and starts >= ends:
        yield FieldError("expires_at", "not_after_start", "It has to end after it starts.")


def _urls(offer: Candidate) -> Iterator[FieldError]:
    for name in ("image_url", "content_url"):
        if offer[name] and not is_web_address(offer[name], longest=MAXIMUM_URL):
            yield FieldError(name, "not_https", f"Give an https address of at most {MAXIMUM_URL} characters.")


def _targets(offer: Candidate) -> Iterator[FieldError]:
    wanted: list[tuple[str, type[Session] | type[TicketTier]]] = [
        ("target_sessions", Session), ("target_ticket_tiers", TicketTier),
    ]  # fmt: skip
    for name, model in wanted:
        ids: list[UUID] = offer[name]
        if len(ids) > MAXIMUM_TARGETS:
            yield FieldError(name, "too_many", f"At most {MAXIMUM_TARGETS}.")
        elif ids and (offer.existing is None or name in offer.named):
            rows = model._default_manager.filter(pk__in=ids, event_id=offer.event.pk)
            if rows.count() != len(ids):
                yield FieldError(name, "not_of_this_event", "Not all of these belong to the offer's event.")


def _upgrade(offer: Candidate) -> Iterator[FieldError]:
    tier_id = offer["upgrade_to_tier_id"]
    if offer["offer_type"] == OfferType.TICKET_UPGRADE:
        if tier_id is None:
            yield FieldError("upgrade_to_tier_id", "required", "Say to which tier tickets move.")
        elif not TicketTier.objects.filter(pk=tier_id, event_id=offer.event.pk).exists():
            yield FieldError(
                "upgrade_to_tier_id", "not_of_this_event", "This tier is not of the offer's event."
            )
    elif tier_id is not None:
        yield FieldError(
            "upgrade_to_tier_id", "not_an_upgrade", "Only a ticket upgrade moves tickets to a tier."
        )
    if offer["content_url"] and offer["offer_type"] != OfferType.EXCLUSIVE_CONTENT:
        yield FieldError("content_url", "not_content", "Only exclusive content has an address.")


def _other_offers(offer: Candidate) -> Iterator[FieldError]:
    names = ("requires_offer_id", "excludes_offer_id")
    named = {name: offer[name] for name in names if offer[name] is not None}
    if not named:
        return
    of_event = set(
        Offer.objects.filter(pk__in=named.values(), event_id=offer.event.pk).values_list("pk", flat=True)
    )
    for name, other_id in named.items():
        if offer.existing is not None and other_id == offer.existing.pk:
            yield FieldError(name, "itself", "An offer cannot name itself.")
        elif other_id not in of_event:
            yield FieldError(name, "not_of_this_event", "This offer is not of the same event.")
    if len(named) == 2 and offer["requires_offer_id"] == offer["excludes_offer_id"]:
        yield FieldError("excludes_offer_id", "required_too", "It cannot both require and exclude one offer.")


_RULES: tuple[Callable[[Candidate], Iterator[FieldError]], ...] = (
    _title, _choices, _type_kept, _prices, _numbers, _window, _urls, _targets, _upgrade, _other_offers,
)  # fmt: skip
