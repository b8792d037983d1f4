"""Tiers, as organizers keep them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common.audit import record_changes, snapshot
from common.db import retrying
from common.errors import FieldError, Invalid, NotFound
from common.money import MAXIMUM_MINOR, Money, NotMoney, parse_decimal
from common.types import Actor
from events.models import Event
from tickets.models import Priority, TicketSale, TicketTier
from tickets.services.stock import lock_tier, lock_tiers


@dataclass(frozen=True, slots=True)
class TierInput:
    """What an organizer says about a tier; ``price`` is a decimal string in the event's currency."""

    name: str
    description: str
    priority: str
    price: str
    inventory_total: int | None
    is_active: bool
    sort_order: int
    per_user_limit: int | None = None


def currency_lock(event_id: UUID) -> str:
    """Say why an event's currency stays: a tier has a price in it, or had one when it was sold. Else empty."""
    if TicketTier.objects.filter(event_id=event_id, price_amount__gt=0).exists():
        return "Its ticket tiers have prices in this currency."
    # A checkout that was left counts too: it may still be paid.
    sold = TicketSale.objects.filter(event_id=event_id, order__amount__gt=0).exists()
    return "Its tickets were sold in this currency." if sold else ""


def currency_of_price(tier: TicketTier) -> str:
    """Return the currency that a price given to the tier is in: its event's, unless amounts in its own exist."""
    if tier.price_amount or tier.currency == tier.event.currency:
        return tier.currency
    sold = TicketSale.objects.filter(tier_id=tier.pk, order__amount__gt=0).exists()
    return tier.currency if sold else tier.event.currency


def follow_currency(event_id: UUID, actor: Actor, now: datetime) -> None:
    """Put the tiers of a locked event into its new currency, in the transaction that changes it.

    Only free ones that were never sold for money have an event whose currency changes (``currency_lock``).
    """
    event = Event.objects.get(pk=event_id)
    others = TicketTier.objects.filter(event=event).exclude(currency=event.currency)
    for tier in lock_tiers(*others.values_list("pk", flat=True)).values():
        tier.event, before = event, snapshot(tier)
        tier.currency = currency_of_price(tier)
        tier.save(update_fields=["currency"])
        action, owner = "tickets.follow_currency", event.organization_id
        record_changes(tier, before, actor=actor, action=action, organization_id=owner, now=now)


@retrying
@transaction.atomic
def create_tier(*, actor: Actor, event_id: UUID, tier: TierInput, now: datetime) -> TicketTier:
    """Create a tier in the event's currency. Raises what ``access.require`` raises, ``Invalid``."""
    # Locked: who changes the event's currency meanwhile is waited for, or waits and finds this tier.
    event = Event.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if event is None:
        raise NotFound
    access.require(actor, event.organization_id, Capability.MANAGE_EVENTS)
    created = TicketTier(event=event, currency=event.currency)
    _fill(created, tier)
    created.full_clean(exclude=["event"])
    created.save()
    record_changes(
        created, {}, actor=actor, action="tickets.create_tier", organization_id=event.organization_id, now=now
    )
    return created


@retrying
@transaction.atomic
def update_tier(*, actor: Actor, tier_id: UUID, tier: TierInput, now: datetime) -> TicketTier:
    """Change a tier under its lock; the total does not go below what is sold and reserved.

    A free tier that was never sold for money follows its event's currency. Raises what ``access.require`` raises,
    ``Invalid``.
    """
    # The event first, as in ``create_tier``: its currency is the one that the price is meant in.
    mine = TicketTier.objects.filter(pk=tier_id).values("event_id")
    event = Event.objects.select_for_update(no_key=True).filter(pk__in=mine).first()
    if event is None:
        raise NotFound
    stored = lock_tier(tier_id)
    stored.event = event
    organization_id = event.organization_id
    access.require(actor, organization_id, Capability.MANAGE_EVENTS)
    before = snapshot(stored)
    stored.currency = currency_of_price(stored)
    _fill(stored, tier)
    stored.full_clean(exclude=["event"])
    stored.save()
    record_changes(
        stored, before, actor=actor, action="tickets.update_tier", organization_id=organization_id, now=now
    )
    return stored


def _fill(stored: TicketTier, tier: TierInput) -> None:
    price, errors = _price(tier.price, stored.currency)
    # None of another currency is begun with. What has one is kept as it is, or made free.
    if stored.currency != stored.event.currency and price.amount not in {0, stored.price_amount}:
        message = (
            f"Its price is in {stored.currency} and the event is in {stored.event.currency}: make a new tier."
        )
        errors.append(FieldError("price", "immutable", message))
    if tier.priority not in Priority.values:
        errors.append(
            FieldError("priority", "invalid_choice", f"Choose one of {', '.join(Priority.values)}.")
        )
    taken = stored.sold + stored.reserved
    if tier.inventory_total is not None and tier.inventory_total < max(1, taken):
        message = f"{taken} are sold or reserved." if taken else "Give 1 or more, or none for unlimited."
        errors.append(FieldError("inventory_total", "out_of_range", message))
    if tier.per_user_limit is not None and tier.per_user_limit < 1:
        errors.append(FieldError("per_user_limit", "out_of_range", "Give 1 or more, or none for no limit."))
    if errors:
        raise Invalid(errors=errors)
    stored.per_user_limit = tier.per_user_limit
    stored.name, stored.description = tier.name.strip(), tier.description
    stored.priority, stored.price_amount = tier.priority, price.amount
    stored.inventory_total = tier.inventory_total
    stored.is_active, stored.sort_order = tier.is_active, tier.sort_order


def _price(text: str, currency: str) -> tuple[Money, list[FieldError]]:
    try:
        price = parse_decimal(text, currency)
    except NotMoney as error:
        return Money(0, currency), [FieldError("price", "not_a_price", str(error))]
    if price.amount > MAXIMUM_MINOR:
        return price, [FieldError("price", "out_of_range", "This price is too high.")]
    return price, []
