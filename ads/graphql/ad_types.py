"""An ad on GraphQL, and what a caller may say about it; its rules are the service's (``ads.services.ad_rules``)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any
from uuid import UUID

import graphene

from ads.graphql.enums import (
    AdContentTypeEnum,
    AdPacingEnum,
    AdPlacementEnum,
    AdPriceModelEnum,
    AdStatusEnum,
)
from ads.models import Ad
from ads.selectors.ads import budget_of, spent_of
from ads.types.ads import AdInput
from common.errors import FieldError, Invalid
from common.graphql.types import MoneyType, money
from common.money import decimal_string

# What has no "none": null is refused there, as REST refuses it.
_MAY_BE_NULL = frozenset({"starts_at", "ends_at", "budget_total", "budget_daily"})
# The contract's name here, and the field's everywhere else.
_SECONDS, _SECONDS_HERE = "display_duration_seconds", "display_duration"


class AdObject(graphene.ObjectType):
    """An ad, for those who manage it or read its figures."""

    class Meta:
        name = "AdType"

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    content_type = graphene.Field(AdContentTypeEnum, required=True)
    media_url = graphene.String(required=True)
    click_url = graphene.String(required=True, description="Empty: it leads nowhere.")
    display_duration = graphene.Int(required=True, description="In seconds.")
    aspect_ratio = graphene.String(required=True)
    placements = graphene.List(graphene.NonNull(AdPlacementEnum), required=True)
    target_sessions = graphene.List(graphene.NonNull(graphene.ID), required=True)
    weight = graphene.Int(required=True)
    frequency_cap = graphene.Int(required=True, description="Impressions of one viewer in a day.")
    starts_at = graphene.DateTime()
    ends_at = graphene.DateTime()
    is_active = graphene.Boolean(required=True)
    is_archived = graphene.Boolean(required=True)
    status = graphene.Field(AdStatusEnum, required=True)
    price_model = graphene.Field(AdPriceModelEnum, required=True)
    price = graphene.String(required=True, description="A decimal, such as 19.99.")
    currency = graphene.String(required=True)
    budget_total = graphene.String(description="Null: no limit.")
    budget_daily = graphene.String(description="Null: no limit.")
    pacing = graphene.Field(AdPacingEnum, required=True)
    spent = graphene.Field(MoneyType, required=True, description="What was billed.")
    created_at = graphene.DateTime(required=True)
    updated_at = graphene.DateTime(required=True)

    @staticmethod
    def resolve_display_duration(ad: Ad, info: Any) -> int:
        """Return for how many seconds it is shown."""
        return ad.display_duration_seconds

    @staticmethod
    def resolve_price(ad: Ad, info: Any) -> str:
        """Return the price as a decimal of its currency."""
        return decimal_string(ad.price)

    @staticmethod
    def resolve_budget_total(ad: Ad, info: Any) -> str | None:
        """Return the total budget as a decimal of its currency."""
        return budget_of(ad.budget_total_amount, ad.currency)

    @staticmethod
    def resolve_budget_daily(ad: Ad, info: Any) -> str | None:
        """Return the budget of a day as a decimal of its currency."""
        return budget_of(ad.budget_daily_amount, ad.currency)

    @staticmethod
    def resolve_spent(ad: Ad, info: Any) -> MoneyType:
        """Return what was billed."""
        return money(spent_of(ad))


class _AdFields:
    """The fields that creating and updating share."""

    name = graphene.String()
    content_type = AdContentTypeEnum()
    media_url = graphene.String()
    click_url = graphene.String()
    display_duration = graphene.Int(description="In seconds.")
    aspect_ratio = graphene.String()
    placements = graphene.List(graphene.NonNull(AdPlacementEnum))
    target_sessions = graphene.List(graphene.NonNull(graphene.ID))
    weight = graphene.Int()
    frequency_cap = graphene.Int()
    starts_at = graphene.DateTime()
    ends_at = graphene.DateTime()
    is_active = graphene.Boolean()
    price_model = AdPriceModelEnum()
    price = graphene.String(description="A decimal of the ad's currency, such as 19.99.")
    currency = graphene.String(description="The event's if not said.")
    budget_total = graphene.String(description="Null: no limit.")
    budget_daily = graphene.String(description="Null: no limit.")
    pacing = AdPacingEnum()


class CreateAdInput(_AdFields, graphene.InputObjectType):
    """An ad to be made."""

    event_id = graphene.ID(required=True)


class UpdateAdInput(_AdFields, graphene.InputObjectType):
    """The fields of an ad to be changed; those left out keep their value."""

    id = graphene.ID(required=True)


def ad_input(given: Mapping[str, Any]) -> AdInput:
    """Return what was said as the service takes it, and what of it had not its shape."""
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name in {"id", "event_id"}:
            continue
        field = _SECONDS if name == _SECONDS_HERE else name
        if value is None and name not in _MAY_BE_NULL:
            errors.append(FieldError(field, "null", "This field may not be null."))
        elif name == "target_sessions":
            values |= _ids(name, value, errors)
        else:
            values[field] = tuple(map(_plain, value)) if name == "placements" else _plain(value)
    return AdInput(**values, unreadable=tuple(errors))


@contextmanager
def named_as_here() -> Iterator[None]:
    """Name the fields of a refusal as this door does."""
    try:
        yield
    except Invalid as refused:
        errors = [
            replace(one, field=_SECONDS_HERE) if one.field == _SECONDS else one for one in refused.errors
        ]
        raise Invalid(refused.detail, errors=errors) from refused


def _ids(name: str, values: list[str], errors: list[FieldError]) -> dict[str, tuple[UUID, ...]]:
    try:
        return {name: tuple(UUID(one) for one in values)}
    except ValueError:
        errors.append(FieldError(name, "not_an_id", "Give ids."))
        return {}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
