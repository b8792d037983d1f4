"""Types of an event's figures. They mirror the services' answers, field by field."""

from typing import Any

import graphene

from analytics.services.monetization import Monetization
from common.graphql.types import MoneyType, count_field


def _money() -> graphene.Field:
    return graphene.Field(MoneyType, required=True)


def _many(kind: type[graphene.ObjectType]) -> graphene.Field:
    return graphene.Field(graphene.NonNull(graphene.List(graphene.NonNull(kind))))


class MonetizationDayType(graphene.ObjectType):
    """What came on one day, and what went back on it."""

    date = graphene.Date(required=True)
    from_offers = _money()
    from_tickets = _money()
    from_ads = _money()
    refunds = _money()
    net = _money()


class MonetizationCurrencyType(graphene.ObjectType):
    """The same in another currency."""

    currency = graphene.String(required=True)
    total = _money()
    from_offers = _money()
    from_tickets = _money()
    from_ads = _money()
    refunds = _money()
    net = _money()


class MonetizationRevenueType(graphene.ObjectType):
    """Gross, what went back, and net; days without revenue are there with nothing."""

    total = _money()
    from_offers = _money()
    from_tickets = _money()
    from_ads = _money()
    refunds = _money()
    net = _money()
    by_day = _many(MonetizationDayType)
    other_currencies = _many(MonetizationCurrencyType)


class OfferPerformanceType(graphene.ObjectType):
    """One offer."""

    offer_id = graphene.ID(required=True)
    title = graphene.String(required=True)
    views = count_field()
    clicks = count_field()
    purchases = count_field()
    units = count_field()
    revenue = _money()
    conversion_rate = graphene.Float()


class MonetizationOffersType(graphene.ObjectType):
    """Offers: what front ends told, and what was bought. Rates are 0 to 1, or null."""

    total_views = count_field()
    unique_viewers = count_field("Of each day, added up.")
    total_clicks = count_field()
    total_carts = count_field()
    total_purchases = count_field()
    conversion_rate = graphene.Float()
    has_click_data = graphene.Boolean(required=True)
    top_performers = _many(OfferPerformanceType)


class AdTopPerformerType(graphene.ObjectType):
    """One ad."""

    ad_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    impressions = count_field()
    clicks = count_field()
    ctr = graphene.Float()
    spend = _money()


class MonetizationAdsType(graphene.ObjectType):
    """Ads, from redeemed tokens."""

    total_impressions = count_field()
    total_viewable = count_field()
    total_clicks = count_field()
    average_c_t_r = graphene.Float(name="averageCTR")
    top_performers = _many(AdTopPerformerType)

    @staticmethod
    def resolve_average_c_t_r(figures: Any, info: Any) -> float | None:
        """Return clicks by impressions."""
        rate: float | None = figures.average_ctr
        return rate


class MonetizationWaitlistType(graphene.ObjectType):
    """Waitlists, from their entries."""

    total_joins = count_field()
    offers_issued = count_field()
    acceptance_rate = graphene.Float()
    average_wait_time_minutes = graphene.Float()


class MonetizationFreshnessType(graphene.ObjectType):
    """How far the figures are behind: of what front ends told, and of what ads counted."""

    pending_days = count_field()
    pending_ad_days = count_field("The same of ads.")
    failures = graphene.Int(required=True, description="In a row.")


class MonetizationType(graphene.ObjectType):
    """An event's figures. A part that could not be had is null, and ``stale`` is true."""

    event_id = graphene.ID(required=True)
    date_from = graphene.Date(required=True)
    date_to = graphene.Date(required=True)
    time_zone = graphene.String(required=True)
    currency = graphene.String(required=True)
    as_of = graphene.DateTime(required=True)
    data_through = graphene.DateTime(required=True)
    stale = graphene.Boolean(required=True)
    freshness = graphene.Field(MonetizationFreshnessType, required=True)
    revenue = graphene.Field(MonetizationRevenueType)
    offers = graphene.Field(MonetizationOffersType)
    ads = graphene.Field(MonetizationAdsType)
    waitlist = graphene.Field(MonetizationWaitlistType)


def shown(answer: Monetization, parts: tuple[str, ...]) -> dict[str, Any]:
    """Return the answer as GraphQL resolves it; parts that were not asked for are not there."""
    return {
        "event_id": answer.event.pk,
        "date_from": answer.wanted.first,
        "date_to": answer.wanted.last,
        "time_zone": answer.event.time_zone,
        "currency": answer.event.currency,
        "as_of": answer.as_of,
        "data_through": answer.freshness.data_through,
        "stale": answer.is_stale,
        "freshness": answer.freshness,
        **{name: answer.parts[name].figures for name in parts},
    }
