"""Ads on REST: parse the shape, call one service, shape the answer."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from ads.models import Ad, AdPlacement
from ads.rest.ad_shapes import (
    AdAnswer,
    AdCreateSerializer,
    AdPageAnswer,
    AdWriteSerializer,
    InjectAnswer,
    InjectSerializer,
    SwitchSerializer,
    read_change,
    read_new,
)
from ads.selectors.ads import ad_of, page_of_ads
from ads.services import writing
from ads.services.injecting import inject_ad
from ads.types.ads import AdFilters, AdStatus, Page
from common import clock
from common.rest import LimitOffset
from common.rest.schema import PAGE


class AdsView(APIView):
    """``ads``."""

    @extend_schema(operation_id="create_ad", request=AdCreateSerializer, responses={201: AdAnswer})
    def post(self, request: Request) -> Response:
        """Create an ad of an event that the caller manages."""
        require_user(request)
        event_id, given = read_new(request.data)
        actor = actor_of_request(request)
        ad = writing.create_ad(actor=actor, event_id=event_id, given=given, now=clock.now())
        return _answer(request, ad.pk, status=201)


class AdView(APIView):
    """``ads/{id}``."""

    @extend_schema(operation_id="get_ad", responses=AdAnswer)
    def get(self, request: Request, ad_id: UUID) -> Response:
        """Return an ad, for the organizer's people from analyst up."""
        return _answer(request, ad_id)

    @extend_schema(operation_id="replace_ad", request=AdWriteSerializer, responses=AdAnswer)
    def put(self, request: Request, ad_id: UUID) -> Response:
        """Make an ad what is given: fields that are left out get their default, is_active keeps its value."""
        return self._change(request, ad_id, is_whole=True)

    @extend_schema(operation_id="update_ad", request=AdWriteSerializer, responses=AdAnswer)
    def patch(self, request: Request, ad_id: UUID) -> Response:
        """Change the named fields of an ad."""
        return self._change(request, ad_id, is_whole=False)

    @extend_schema(operation_id="archive_ad", responses={204: None})
    def delete(self, request: Request, ad_id: UUID) -> Response:
        """Archive an ad: it is not shown any more, and kept for what it delivered."""
        require_user(request)
        writing.archive_ad(actor=actor_of_request(request), ad_id=ad_id, now=clock.now())
        return Response(status=204)

    def _change(self, request: Request, ad_id: UUID, *, is_whole: bool) -> Response:
        require_user(request)
        changes, actor = read_change(request.data), actor_of_request(request)
        writing.update_ad(actor=actor, ad_id=ad_id, changes=changes, now=clock.now(), is_whole=is_whole)
        return _answer(request, ad_id)


class PauseView(APIView):
    """``ads/{id}/pause``."""

    @extend_schema(operation_id="pause_ad", request=SwitchSerializer, responses=AdAnswer)
    def post(self, request: Request, ad_id: UUID) -> Response:
        """Take an ad off until it is resumed; every process knows within a second."""
        writing.pause_ad(**_act(request, ad_id), **_read(SwitchSerializer, request))
        return _answer(request, ad_id)


class ResumeView(APIView):
    """``ads/{id}/resume``."""

    @extend_schema(operation_id="resume_ad", request=SwitchSerializer, responses=AdAnswer)
    def post(self, request: Request, ad_id: UUID) -> Response:
        """Let a paused ad be shown again."""
        writing.resume_ad(**_act(request, ad_id), **_read(SwitchSerializer, request))
        return _answer(request, ad_id)


class InjectView(APIView):
    """``ads/{id}/inject``."""

    @extend_schema(operation_id="inject_ad", request=InjectSerializer, responses={202: InjectAnswer})
    def post(self, request: Request, ad_id: UUID) -> Response:
        """Announce a live ad to everybody at its event, to be shown at once."""
        inject_ad(**_act(request, ad_id), **_read(InjectSerializer, request))
        return Response({"announced": True}, status=202)


class EventAdsView(APIView):
    """``events/{id}/ads``."""

    @extend_schema(
        operation_id="list_ads",
        parameters=[
            OpenApiParameter("status", OpenApiTypes.STR, enum=AdStatus.values),
            OpenApiParameter("placement", OpenApiTypes.STR, enum=AdPlacement.values),
            OpenApiParameter("search", OpenApiTypes.STR, description="Part of a name."),
            *PAGE,
        ],
        responses=AdPageAnswer,
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """List an event's ads, archived ones too, the newest first. For analysts and up."""
        paging, asked = LimitOffset(), request.query_params
        paging.request = request
        paging.limit = paging.get_limit(request) or LimitOffset.default_limit
        paging.offset = paging.get_offset(request)
        filters = AdFilters(
            status=asked.get("status") or None,
            placement=asked.get("placement") or None,
            search=asked.get("search", "").strip(),
        )
        page = Page(limit=paging.limit, offset=paging.offset)
        actor = actor_of_request(request)
        ads, count = page_of_ads(actor, event_id, filters=filters, page=page, now=clock.now())
        paging.count = count
        return paging.get_paginated_response([AdAnswer(ad).data for ad in ads])


def _act(request: Request, ad_id: UUID) -> dict[str, Any]:
    """Return who acts on which ad, and when; raises ``Unauthenticated`` before a body is looked at."""
    require_user(request)
    return {"actor": actor_of_request(request), "ad_id": ad_id, "now": clock.now()}


def _read(kind: type[InjectSerializer | SwitchSerializer], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _answer(request: Request, ad_id: UUID, *, status: int = 200) -> Response:
    ad: Ad = ad_of(actor_of_request(request), ad_id, now=clock.now())
    return Response(AdAnswer(ad).data, status=status)
