"""What ads did, on REST."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from ads.models import PriceModel
from ads.selectors.performance import MAXIMUM_LIMIT, performance
from ads.types.ads import AdStatus, Page
from ads.types.performance import DateRange
from common import clock
from common.rest import LimitOffset, MoneyField
from common.rest.pagination import MAXIMUM_OFFSET
from common.rest.schema import whole_number


class InvalidAnswer(serializers.Serializer[Any]):
    """Refused events; viewable ones count as impressions."""

    impressions = serializers.IntegerField()
    clicks = serializers.IntegerField()
    by_reason = serializers.DictField(
        child=serializers.IntegerField(), help_text="As far back as raw events are kept."
    )


class AdPerformanceAnswer(serializers.Serializer[Any]):
    """One ad. Rates are fractions 0..1, null with nothing below them."""

    ad_id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=AdStatus.choices)
    price_model = serializers.ChoiceField(choices=PriceModel.choices)
    impressions = serializers.IntegerField()
    viewable = serializers.IntegerField()
    unique_viewers = serializers.IntegerField(
        allow_null=True, help_text="Null where the range begins before unique_viewers_from."
    )
    unique_viewers_from = serializers.DateField(
        allow_null=True, help_text="First day whose raw events are kept; null: all are."
    )
    clicks = serializers.IntegerField()
    ctr = serializers.FloatField(allow_null=True)
    viewability = serializers.FloatField(allow_null=True)
    invalid = InvalidAnswer()
    spend = MoneyField()
    over_delivery = MoneyField(help_text="Delivered beyond the budget, not billed.")
    over_delivered_impressions = serializers.IntegerField()
    over_delivered_clicks = serializers.IntegerField()
    as_of = serializers.DateTimeField(source="freshness.as_of")
    data_through = serializers.DateTimeField(source="freshness.data_through")
    pending_days = serializers.IntegerField(source="freshness.pending_days")


class AdPerformanceRangeAnswer(serializers.Serializer[Any]):
    """Ads over days of the event's time zone."""

    results = AdPerformanceAnswer(many=True)
    date_from = serializers.DateField()
    date_to = serializers.DateField()
    time_zone = serializers.CharField()
    as_of = serializers.DateTimeField(source="freshness.as_of")
    data_through = serializers.DateTimeField(source="freshness.data_through")
    pending_days = serializers.IntegerField(source="freshness.pending_days")


class AdPerformancePageAnswer(AdPerformanceRangeAnswer):
    """A page of ads, the newest first."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class _RangeSerializer(serializers.Serializer[Any]):
    """The days asked for."""

    date_from = serializers.DateField(required=False, input_formats=["%Y-%m-%d"])
    date_to = serializers.DateField(required=False, input_formats=["%Y-%m-%d"])


class _Paging(LimitOffset):
    """At most 100 ads a page (REQUIREMENTS AD-07)."""

    def get_limit(self, request: Request) -> int | None:
        """Return the page's size, 1 to 100."""
        limit = super().get_limit(request)
        if limit is not None and limit > MAXIMUM_LIMIT:
            raise ValidationError(
                {"limit": f"Give a whole number from 1 to {MAXIMUM_LIMIT}."}, code="invalid_page"
            )
        return limit


class PerformanceView(APIView):
    """``events/{id}/ads/performance``."""

    @extend_schema(
        operation_id="list_ad_performance",
        parameters=[
            OpenApiParameter(
                "date_from", OpenApiTypes.DATE, description="29 days before date_to if not said."
            ),
            OpenApiParameter(
                "date_to", OpenApiTypes.DATE, description="Today if not said; at most 365 days."
            ),
            whole_number("limit", lowest=1, highest=MAXIMUM_LIMIT, description="1 to 100; 50 if not said."),
            whole_number("offset", lowest=0, highest=MAXIMUM_OFFSET),
        ],
        responses=AdPerformancePageAnswer,
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return what an event's ads did between two days of its time zone. For analysts and up."""
        require_user(request)
        paging = _Paging()
        paging.request = request
        paging.limit = paging.get_limit(request) or LimitOffset.default_limit
        paging.offset = paging.get_offset(request)
        given = request.query_params
        days = _RangeSerializer(
            data={name: given[name] for name in ("date_from", "date_to") if given.get(name)}
        )
        days.is_valid(raise_exception=True)
        found = performance(
            actor_of_request(request),
            event_id,
            asked=DateRange(**days.validated_data),
            page=Page(limit=paging.limit, offset=paging.offset),
            now=clock.now(),
        )
        paging.count = found.count
        links = {"next": paging.get_next_link(), "previous": paging.get_previous_link()}
        return Response({"count": found.count, **links, **AdPerformanceRangeAnswer(found).data})
