"""What a sale depends on: an offer, its event, and what the buyer has of it, read by one statement.

It is read before anything is locked. ``state`` tells two readings apart, so that the statement that writes the
sale can ask, under the lock, whether all that was decided upon is still so.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from common import statements
from common.errors import NotFound
from events.models import Event
from offers.models import Offer

_OFFER = tuple(field.attname for field in Offer._meta.concrete_fields)
_EVENT = ("id", "organization_id", "visibility", "ends_at")
_FACTS = ("held", "open_checkouts", "bought", "has_required", "has_excluded")
# The counters move with every sale: what they leave is asked for apart. Of the others no rule of a sale knows.
_APART = ("sold", "reserved", "description", "created_at", "updated_at")


def _named(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


# Parameters: offer_id, buyer_id.
SOURCE = """
offers_offer o JOIN events_event e ON e.id = o.event_id CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.reserved_units) FILTER (WHERE p.offer_id = o.id), 0) AS held,
        count(*) FILTER (WHERE p.offer_id = o.id AND p.reserved_units > 0) AS open_checkouts,
        coalesce(sum(p.sold_units) FILTER (WHERE p.offer_id = o.id), 0) AS bought,
        count(*) FILTER (WHERE p.offer_id = o.requires_offer_id AND p.sold_units > 0) > 0 AS has_required,
        count(*) FILTER (WHERE (p.offer_id = o.excludes_offer_id OR other.excludes_offer_id = o.id)
            AND (p.reserved_units > 0 OR p.sold_units > 0)) > 0 AS has_excluded
    FROM offers_purchase p JOIN offers_offer other ON other.id = p.offer_id
    WHERE p.user_id = %(buyer_id)s AND p.event_id = o.event_id
) f
WHERE o.id = %(offer_id)s"""
_TERMS = tuple(name for name in _OFFER if name not in _APART)
STATE = f"hash_record_extended(ROW({_named('o', _TERMS)}, {_named('e', _EVENT)}, {_named('f', _FACTS)}), 0)"
_LOOK = f"""
SELECT {STATE}, {_named("f", _FACTS)}, {_named("e", _EVENT)}, {_named("o", _OFFER)} FROM {SOURCE}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class BuyerFacts:
    """What one person holds and has of an offer and of those it depends on, in units."""

    held: int
    open_checkouts: int
    bought: int
    has_required: bool
    has_excluded: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was there in one moment. ``state``: a hash of all of it that a sale depends on."""

    offer: Offer
    facts: BuyerFacts
    state: int


def look(offer_id: UUID, buyer_id: UUID) -> Sighting:
    """Read an offer with its event, and what the buyer has, in one snapshot. Raises ``NotFound``."""
    row = statements.run(_LOOK, {"offer_id": offer_id, "buyer_id": buyer_id}).fetchone()
    if row is None:
        raise NotFound
    state, facts, rest = row[0], row[1 : 1 + len(_FACTS)], row[1 + len(_FACTS) :]
    offer = Offer.from_db(DEFAULT_DB_ALIAS, _OFFER, rest[len(_EVENT) :])
    offer.event = Event.from_db(DEFAULT_DB_ALIAS, _EVENT, rest[: len(_EVENT)])
    return Sighting(offer, BuyerFacts(*facts), state)
