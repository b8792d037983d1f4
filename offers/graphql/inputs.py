"""What a caller may say about an offer on GraphQL; its rules are the service's
(``offers.services.rules``).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any
from uuid import UUID

import graphene

from common.errors import FieldError, Invalid
from offers.graphql.types import OfferPlacementEnum, OfferTypeEnum
from offers.types import OfferInput

_IDS = ("requires_offer_id", "excludes_offer_id", "upgrade_to_tier_id")
_ID_LISTS = ("target_sessions", "target_ticket_tiers")
# What has no "none": null is refused there, as REST refuses it.
_NEVER_NULL = (
    "title", "description", "offer_type", "placement", "price", "currency", "image_url", "is_active",
    "target_sessions", "target_ticket_tiers", "content_url", "allows_delayed_payment",
)  # fmt: skip


class _OfferFields:
    """The fields that creating and updating share."""

    title = graphene.String()
    description = graphene.String()
    offer_type = OfferTypeEnum()
    placement = OfferPlacementEnum()
    price = graphene.String(description="A decimal of the event's currency, such as 19.99.")
    original_price = graphene.String()
    currency = graphene.String()
    image_url = graphene.String()
    inventory_total = graphene.Int(description="Null: unlimited.")
    per_user_limit = graphene.Int(description="Null: no limit.")
    starts_at = graphene.DateTime()
    expires_at = graphene.DateTime()
    is_active = graphene.Boolean()
    target_sessions = graphene.List(graphene.NonNull(graphene.ID))
    target_ticket_tiers = graphene.List(graphene.NonNull(graphene.ID))
    requires_offer_id = graphene.ID()
    excludes_offer_id = graphene.ID()
    upgrade_to_tier_id = graphene.ID()
    content_url = graphene.String()
    allows_delayed_payment = graphene.Boolean()


class CreateOfferInput(_OfferFields, graphene.InputObjectType):
    """An offer to be made."""

    event_id = graphene.ID(required=True)


class UpdateOfferInput(_OfferFields, graphene.InputObjectType):
    """The fields of an offer to be changed; those left out keep their value."""

    id = graphene.ID(required=True)


def offer_input(given: Mapping[str, Any]) -> OfferInput:
    """Return what was said as the service takes it; raises ``Invalid`` for what has not its shape."""
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name in {"id", "event_id"}:
            continue
        if value is None and name in _NEVER_NULL:
            errors.append(FieldError(name, "null", "This field may not be null."))
            continue
        values[name] = _read(name, value, errors)
    if errors:
        raise Invalid(errors=errors)
    return OfferInput(**values)


def _read(name: str, value: Any, errors: list[FieldError]) -> Any:
    try:
        if name in _ID_LISTS:
            return tuple(UUID(one) for one in value)
        if name in _IDS and value is not None:
            return UUID(value)
    except ValueError:
        errors.append(FieldError(name, "not_an_id", "Give an id."))
        return None
    return value.value if isinstance(value, Enum) else value
