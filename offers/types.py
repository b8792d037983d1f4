"""Commands and answers of the offers room."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from common.types import UNSET, Actor, Partial, Unset

# Limits of the contract, in characters, units and items.
MAXIMUM_TITLE = 200
MAXIMUM_DESCRIPTION = 5000
MAXIMUM_URL = 2048
MAXIMUM_QUANTITY = 20
MAXIMUM_TARGETS = 200
MAXIMUM_UNITS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferInput(Partial):
    """What a caller says about an offer, as it came in at any door: shapes are checked, rules are not.

    Prices are decimal strings of the event's currency. A field left out keeps its value in an update and has
    its default in a creation.
    """

    title: str | Unset = UNSET
    description: str | Unset = UNSET
    offer_type: str | Unset = UNSET
    placement: str | Unset = UNSET
    price: str | Unset = UNSET
    original_price: str | Unset | None = UNSET
    currency: str | Unset = UNSET
    image_url: str | Unset = UNSET
    inventory_total: int | Unset | None = UNSET
    per_user_limit: int | Unset | None = UNSET
    starts_at: datetime | Unset | None = UNSET
    expires_at: datetime | Unset | None = UNSET
    is_active: bool | Unset = UNSET
    target_sessions: tuple[UUID, ...] | Unset = UNSET
    target_ticket_tiers: tuple[UUID, ...] | Unset = UNSET
    requires_offer_id: UUID | Unset | None = UNSET
    excludes_offer_id: UUID | Unset | None = UNSET
    upgrade_to_tier_id: UUID | Unset | None = UNSET
    content_url: str | Unset = UNSET
    allows_delayed_payment: bool | Unset = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOffer:
    """One person's wish to buy.

    ``ticket_id``: which ticket an upgrade moves. ``key``: the idempotency key. ``network``: what the limit
    per address counts, where there is one.
    """

    offer_id: UUID
    quantity: int
    buyer_id: UUID
    buyer_email: str
    ticket_id: UUID | None = None
    key: str | None = None
    network: str | None = None


class Shown(Enum):
    """Which offers of an event a list shows."""

    ACTIVE = "true"
    INACTIVE = "false"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """Which offers of an event somebody asks for."""

    event_id: UUID
    actor: Actor
    placement: str | None = None
    session_id: UUID | None = None
    shown: Shown = Shown.ACTIVE


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: at most ``limit`` rows after the first ``offset``."""

    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether so many units of an offer could be bought now; ``available`` is None when it is unlimited."""

    offer_id: UUID
    quantity: int
    is_available: bool
    available: int | None
    reason: str | None
