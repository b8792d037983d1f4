"""Addresses for the tests of the doors themselves, beside the real health and GraphQL ones."""

from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, OperationalError, connection
from django.http import Http404, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import Busy, Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated
from common.money import Money
from common.problems import bounds_own_body
from common.requests import bind, current_request_id
from common.rest import (
    DecimalPriceField,
    LimitOffset,
    MoneyField,
    StrictJSONParser,
    StrictSerializer,
    client_address,
    optional_slash,
)


class Item(StrictSerializer):
    id = serializers.UUIDField()
    metadata = serializers.JSONField(required=False)


class Body(StrictSerializer):
    title = serializers.CharField(max_length=20)
    price = DecimalPriceField(required=False)
    quantity = serializers.IntegerField(required=False, min_value=1, max_value=20)
    number = serializers.CharField(read_only=True)
    events = Item(many=True, required=False)
    sessions = serializers.ListField(child=serializers.UUIDField(), required=False)
    starts_at = serializers.DateTimeField(required=False)
    size = serializers.ChoiceField(choices=["S", "M"], required=False)
    sizes = serializers.ListField(child=serializers.ChoiceField(choices=["S", "M"]), required=False)


class Shown(serializers.Serializer):
    price = DecimalPriceField()
    total = MoneyField()


class Echo(APIView):
    parser_classes = [StrictJSONParser]

    def post(self, request):
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"title": body.validated_data["title"]})

    def get(self, request):
        return Response(Shown({"price": Money(1999, "USD"), "total": Money(500, "JPY")}).data)


class Numbers(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("parity"), OpenApiParameter("X-Trace", location=OpenApiParameter.HEADER)]
    )
    def get(self, request):
        pages, odd = LimitOffset(), request.query_params.get("parity") == "odd"
        numbers = list(range(1, 450, 2) if odd else range(450))
        return pages.get_paginated_response(pages.paginate_queryset(numbers, request, view=self))


RAISED = {
    "invalid": lambda: Invalid.field("price", "too_low", "Too low."),
    "not_found": NotFound,
    "forbidden": Forbidden,
    "unauthenticated": Unauthenticated,
    "conflict": lambda: Conflict("Gone.", retryable=False),
    "rate_limited": lambda: RateLimited(retry_after=7),
    "busy": Busy,
    "http404": lambda: Http404("secret path"),
    "permission": PermissionDenied,
    "suspicious": lambda: SuspiciousOperation("secret"),
    "model": lambda: ModelValidationError({"title": ModelValidationError("Too long.", code="max_length")}),
    "model_whole": lambda: ModelValidationError("Starts after it ends.", code="starts_before_ends"),
    "data": lambda: DataError("integer out of range"),
    "database_down": lambda: OperationalError("connection refused on 10.0.0.5"),
    "drf_auth": lambda: exceptions.AuthenticationFailed("Token is wrong."),
    "drf_not_found": lambda: exceptions.NotFound("secret"),
    "drf_permission": lambda: exceptions.PermissionDenied("Not you."),
    "surrogate": lambda: UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    "encoding_defect": lambda: UnicodeEncodeError("ascii", "ü", 0, 1, "ordinal not in range"),
    "drf_throttled": lambda: exceptions.Throttled(wait=12.3),
    "defect": lambda: RuntimeError("password=hunter2"),
}


class Raise(APIView):
    def get(self, request, kind):
        raise RAISED[kind]()


def plain_raise(request, kind):
    raise RAISED[kind]()


@csrf_exempt
@require_POST
def plain(request):
    return HttpResponse(str(len(request.body)))


@bounds_own_body
@csrf_exempt
@require_POST
def bounded(request):
    return HttpResponse(str(len(request.body if "all" in request.GET else request.read(7))))


@require_POST
def guarded_by_csrf(request):
    return HttpResponse("passed")


def page(request):
    raise Http404


def who(request, item_id: UUID | None = None):
    bind(order_id="o-1")
    return HttpResponse(f"{client_address(request)} {current_request_id()} {item_id or ''}")


def lost_race(request, state):
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{state}'; END $$")
    return HttpResponse()


urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("common.urls")),
    optional_slash("api/v1/probe/echo", Echo.as_view(), name="echo"),
    optional_slash("api/v1/probe/numbers", Numbers.as_view(), name="numbers"),
    optional_slash("api/v1/probe/raise/<str:kind>", Raise.as_view(), name="raise"),
    optional_slash("api/v1/probe/plain-raise/<str:kind>", plain_raise, name="plain-raise"),
    optional_slash("api/v1/probe/plain", plain, name="plain"),
    optional_slash("api/v1/probe/bounded", bounded, name="bounded"),
    optional_slash("api/v1/probe/csrf", guarded_by_csrf, name="csrf"),
    optional_slash("api/v1/probe/lost-race/<str:state>", lost_race, name="lost-race"),
    optional_slash("api/v1/probe/who", who, name="who"),
    optional_slash("api/v1/probe/who/<uuid:item_id>", who, name="who-item"),
    path("page", page),
]
