"""The figures of an event, and asking for them to be computed now."""

import re
from datetime import date
from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from analytics.services.monetization import Monetization, monetization, readable_event
from analytics.services.refreshing import refresh_now
from common import clock
from common.rest import MoneyField, StrictSerializer
from common.rest.queries import refuse_unknown

Base = serializers.Serializer[Any]
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class DayField(serializers.DateField):
    """A day as YYYY-MM-DD and in no other way, as GraphQL takes it."""

    def to_internal_value(self, value: Any) -> date:
        """Read it. Raises ``ValidationError``."""
        if isinstance(value, str) and not _DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        day: date = super().to_internal_value(value)
        return day


class RangeQuery(StrictSerializer):
    """Days of the event's time zone, both included."""

    date_from = DayField(required=False)
    date_to = DayField(required=False)


def asked_of(kind: type[RangeQuery], request: Request, event_id: UUID) -> dict[str, Any]:
    """Return what the query asks of an event. Raises ``ValidationError`` for what it does not say right.

    Who may not read the event hears that first: ``Unauthenticated``, ``NotFound``, ``Forbidden``.
    """
    query = kind(data=request.query_params)
    try:
        refuse_unknown(request, *query.fields)
        query.is_valid(raise_exception=True)
    except serializers.ValidationError:
        readable_event(actor_of_request(request), event_id)
        raise
    return dict(query.validated_data)


class _SumsShape(Base):
    from_offers = MoneyField()
    from_tickets = MoneyField()
    from_ads = MoneyField()
    refunds = MoneyField()
    net = MoneyField()


class DayRevenueShape(_SumsShape):
    """One day."""

    date = serializers.DateField()


class CurrencyRevenueShape(_SumsShape):
    """Another currency."""

    currency = serializers.CharField()
    total = MoneyField()


class RevenueShape(_SumsShape):
    """Gross, what went back, and net; days without revenue are there with nothing."""

    total = MoneyField()
    by_day = DayRevenueShape(many=True)
    other_currencies = CurrencyRevenueShape(many=True)


class OfferPerformanceShape(Base):
    """One offer."""

    offer_id = serializers.UUIDField()
    title = serializers.CharField()
    views = serializers.IntegerField()
    clicks = serializers.IntegerField()
    purchases = serializers.IntegerField()
    units = serializers.IntegerField()
    revenue = MoneyField()
    conversion_rate = serializers.FloatField(allow_null=True)


class OfferFiguresShape(Base):
    """Offers: what front ends told, and what was bought. Rates are 0 to 1, or null."""

    total_views = serializers.IntegerField()
    unique_viewers = serializers.IntegerField(help_text="Of each day, added up.")
    total_clicks = serializers.IntegerField()
    total_carts = serializers.IntegerField()
    total_purchases = serializers.IntegerField()
    conversion_rate = serializers.FloatField(allow_null=True)
    has_click_data = serializers.BooleanField()
    top_performers = OfferPerformanceShape(many=True)


class AdPerformanceShape(Base):
    """One ad."""

    ad_id = serializers.UUIDField()
    name = serializers.CharField()
    impressions = serializers.IntegerField()
    clicks = serializers.IntegerField()
    ctr = serializers.FloatField(allow_null=True)
    spend = MoneyField()


class AdFiguresShape(Base):
    """Ads, from redeemed tokens."""

    total_impressions = serializers.IntegerField()
    total_viewable = serializers.IntegerField()
    total_clicks = serializers.IntegerField()
    average_ctr = serializers.FloatField(allow_null=True)
    top_performers = AdPerformanceShape(many=True)


class WaitlistFiguresShape(Base):
    """Waitlists, from their entries."""

    total_joins = serializers.IntegerField()
    offers_issued = serializers.IntegerField()
    acceptance_rate = serializers.FloatField(allow_null=True)
    average_wait_time_minutes = serializers.FloatField(allow_null=True)


class FreshnessShape(Base):
    """How far the figures are behind: of what front ends told, and of what ads counted."""

    pending_days = serializers.IntegerField(
        help_text="Days of what front ends told that wait to be computed."
    )
    pending_ad_days = serializers.IntegerField(help_text="Days of what ads counted that wait to be computed.")
    failures = serializers.IntegerField(help_text="In a row.")


class MonetizationShape(Base):
    """An event's figures. A part that could not be had is null, and `stale` is true."""

    event_id = serializers.UUIDField(source="event.pk")
    date_from = serializers.DateField(source="wanted.first")
    date_to = serializers.DateField(source="wanted.last")
    time_zone = serializers.CharField(source="event.time_zone")
    currency = serializers.CharField(source="event.currency")
    as_of = serializers.DateTimeField()
    data_through = serializers.DateTimeField(source="freshness.data_through")
    stale = serializers.BooleanField(source="is_stale")
    freshness = FreshnessShape()
    revenue = serializers.SerializerMethodField()
    offers = serializers.SerializerMethodField()
    ads = serializers.SerializerMethodField()
    waitlist = serializers.SerializerMethodField()

    @extend_schema_field(RevenueShape(allow_null=True))
    def get_revenue(self, answer: Monetization) -> Any:
        """Return the revenue."""
        return _shaped(RevenueShape, answer, "revenue")

    @extend_schema_field(OfferFiguresShape(allow_null=True))
    def get_offers(self, answer: Monetization) -> Any:
        """Return the offers' figures."""
        return _shaped(OfferFiguresShape, answer, "offers")

    @extend_schema_field(AdFiguresShape(allow_null=True))
    def get_ads(self, answer: Monetization) -> Any:
        """Return the ads' figures."""
        return _shaped(AdFiguresShape, answer, "ads")

    @extend_schema_field(WaitlistFiguresShape(allow_null=True))
    def get_waitlist(self, answer: Monetization) -> Any:
        """Return the waitlists' figures."""
        return _shaped(WaitlistFiguresShape, answer, "waitlist")


def _shaped(shape: type[Base], answer: Monetization, name: str) -> Any:
    figures = answer.parts[name].figures
    return None if figures is None else shape(figures).data


class MonetizationView(APIView):
    """``analytics/events/{id}/monetization``."""

    @extend_schema(operation_id="event_monetization", parameters=[RangeQuery], responses=MonetizationShape)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Show an event's revenue, offers, ads and waitlists for a range of days, with how new they are."""
        asked = asked_of(RangeQuery, request, event_id)
        answer = monetization(actor=actor_of_request(request), event_id=event_id, now=clock.now(), **asked)
        return Response(MonetizationShape(answer).data)


class RefreshedShape(Base):
    """What a refresh came to."""

    days = serializers.IntegerField(help_text="Computed now.")
    failures = serializers.IntegerField(help_text="Days that could not be computed.")
    waiting = serializers.IntegerField(help_text="Days that are left; they are computed within minutes.")


class RefreshView(APIView):
    """``analytics/events/{id}/refresh``."""

    @extend_schema(operation_id="refresh_event_analytics", request=None, responses=RefreshedShape)
    def post(self, request: Request, event_id: UUID) -> Response:
        """Compute now what was told of the event since the last time, for some seconds; `waiting`: what is left."""
        require_user(request)
        worked = refresh_now(actor=actor_of_request(request), event_id=event_id, now=clock.now())
        return Response(RefreshedShape(worked).data)
