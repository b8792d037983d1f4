"""What ads did, on GraphQL: the same selector as REST."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import graphene

from ads.graphql.enums import AdPriceModelEnum, AdStatusEnum
from ads.selectors.performance import performance
from ads.types.ads import Page
from ads.types.performance import AdPerformance, DateRange
from common import clock
from common.graphql import an_id
from common.graphql.types import MoneyType, count_field, money

_LIMIT = 50


class AdInvalidReasonType(graphene.ObjectType):
    """How many events were refused for a reason."""

    reason = graphene.String(required=True)
    count = count_field()


class AdInvalidType(graphene.ObjectType):
    """Refused events; viewable ones count as impressions. By reason as far back as raw events are kept."""

    impressions = count_field()
    clicks = count_field()
    by_reason = graphene.List(graphene.NonNull(AdInvalidReasonType), required=True)

    @staticmethod
    def resolve_by_reason(root: Any, info: Any) -> list[dict[str, Any]]:
        """List the reasons."""
        return [{"reason": reason, "count": count} for reason, count in root.by_reason.items()]


class AdPerformanceType(graphene.ObjectType):
    """One ad over a range of days. Rates are fractions 0..1, null with nothing below them."""

    ad_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    status = graphene.Field(AdStatusEnum, required=True)
    price_model = graphene.Field(AdPriceModelEnum, required=True)
    impressions = count_field()
    viewable = count_field()
    unique_viewers = count_field("Null where the range begins before uniqueViewersFrom.", required=False)
    unique_viewers_from = graphene.Date(description="First day whose raw events are kept; null: all are.")
    clicks = count_field()
    ctr = graphene.Float()
    viewability = graphene.Float()
    invalid = graphene.Field(AdInvalidType, required=True)
    spend = graphene.Field(MoneyType, required=True)
    over_delivery = graphene.Field(
        MoneyType, required=True, description="Delivered beyond the budget, not billed."
    )
    over_delivered_impressions = count_field()
    over_delivered_clicks = count_field()
    as_of = graphene.DateTime(required=True)
    data_through = graphene.DateTime(required=True, description="All that was counted until then is in it.")
    pending_days = graphene.Int(required=True)

    @staticmethod
    def resolve_spend(root: AdPerformance, info: Any) -> MoneyType:
        """Return what was billed."""
        return money(root.spend)

    @staticmethod
    def resolve_over_delivery(root: AdPerformance, info: Any) -> MoneyType:
        """Return what was delivered and not billed."""
        return money(root.over_delivery)

    @staticmethod
    def resolve_as_of(root: AdPerformance, info: Any) -> Any:
        """Return when it was read."""
        return root.freshness.as_of

    @staticmethod
    def resolve_data_through(root: AdPerformance, info: Any) -> Any:
        """Return until when everything counted is in it."""
        return root.freshness.data_through

    @staticmethod
    def resolve_pending_days(root: AdPerformance, info: Any) -> int:
        """Return how many days wait to be added."""
        return root.freshness.pending_days


class PerformanceQuery:
    """Performance's part of Query, for the organizer's people from analyst up."""

    all_ads_performance = graphene.List(
        graphene.NonNull(AdPerformanceType),
        required=True,
        description="What an event's ads did, the newest ad first; days of the event's zone, the last 30 if not said.",
        event_id=graphene.ID(required=True),
        date_from=graphene.Date(),
        date_to=graphene.Date(),
        limit=graphene.Int(default_value=_LIMIT, description="At most 100."),
        offset=graphene.Int(default_value=0),
    )

    @staticmethod
    def resolve_all_ads_performance(
        root: None,
        info: Any,
        event_id: str,
        date_from: date | None = None,
        date_to: date | None = None,
        **asked: Any,
    ) -> Sequence[AdPerformance]:
        """List what they did."""
        # The view refuses limits outside of 1 to 200, and offsets below 0, before anything runs.
        page = Page(limit=asked.get("limit") or _LIMIT, offset=asked.get("offset") or 0)
        given = DateRange(date_from=date_from, date_to=date_to)
        of_event = an_id(event_id, "event_id")
        return performance(info.context.actor, of_event, asked=given, page=page, now=clock.now()).results
