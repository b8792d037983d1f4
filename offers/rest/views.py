"""Offers, purchases and "my purchases" on REST: parse the shape, call one service, shape the answer."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from common import clock
from common.errors import Invalid
from common.rest import LimitOffset, client_network, event_named, read_body
from common.rest.schema import IDEMPOTENCY_KEY, PAGE, whole_number
from offers.models import Offer, Placement
from offers.rest.serializers import (
    AvailabilitySerializer,
    MyPurchasePageSerializer,
    MyPurchaseSerializer,
    OfferCreateSerializer,
    OfferPageSerializer,
    OfferSerializer,
    OfferWriteSerializer,
    PurchaseSerializer,
    input_of,
)
from offers.selectors import catalog as reading
from offers.selectors.purchases import page_of_purchases
from offers.services import catalog
from offers.services.purchase import purchase_offer
from offers.types import MAXIMUM_QUANTITY, OfferQuery, Page, PurchaseOffer, Shown
from payments.rest.serializers import PurchaseAnswerSerializer


class OffersView(APIView):
    """All offers: making one."""

    @extend_schema(
        request=OfferCreateSerializer, responses={201: OfferSerializer}, operation_id="offers_create"
    )
    def post(self, request: Request) -> Response:
        """Create an offer of an event that the caller manages."""
        actor, now = actor_of_request(request), clock.now()
        require_user(request)
        read = read_body(OfferCreateSerializer, request.data)
        offer = catalog.create_offer(actor, event_named(read), input_of(read), now=now)
        return _offer_answer(request, offer.pk, status=201)


class OfferView(APIView):
    """One offer."""

    @extend_schema(responses=OfferSerializer, operation_id="offers_retrieve")
    def get(self, request: Request, offer_id: UUID) -> Response:
        """Return an offer that the caller may see."""
        return _offer_answer(request, offer_id)

    @extend_schema(request=OfferWriteSerializer, responses=OfferSerializer, operation_id="offers_update")
    def put(self, request: Request, offer_id: UUID) -> Response:
        """Change an offer: fields that are left out keep their value, as in PATCH."""
        return self._change(request, offer_id)

    @extend_schema(
        request=OfferWriteSerializer, responses=OfferSerializer, operation_id="offers_partial_update"
    )
    def patch(self, request: Request, offer_id: UUID) -> Response:
        """Change the named fields of an offer."""
        return self._change(request, offer_id)

    @extend_schema(responses={204: None}, operation_id="offers_archive")
    def delete(self, request: Request, offer_id: UUID) -> Response:
        """Archive an offer: it is not sold any more, and kept for what was bought."""
        require_user(request)
        catalog.archive_offer(actor_of_request(request), offer_id, now=clock.now())
        return Response(status=204)

    def _change(self, request: Request, offer_id: UUID) -> Response:
        require_user(request)
        given = input_of(read_body(OfferWriteSerializer, request.data))
        catalog.update_offer(actor_of_request(request), offer_id, given, now=clock.now())
        return _offer_answer(request, offer_id)


class AvailabilityView(APIView):
    """What is left of an offer."""

    @extend_schema(
        parameters=[
            whole_number(
                "quantity", lowest=1, highest=MAXIMUM_QUANTITY, description="1 to 20; 1 if not said."
            )
        ],
        responses=AvailabilitySerializer,
        operation_id="offers_availability",
    )
    def get(self, request: Request, offer_id: UUID) -> Response:
        """Say whether so many units could be bought now; nothing is held by asking."""
        quantity = _whole_number(request.query_params.get("quantity", "1"), "quantity")
        found = reading.availability(actor_of_request(request), offer_id, quantity, now=clock.now())
        return Response(AvailabilitySerializer(found).data)


class PurchaseView(APIView):
    """Buying an offer."""

    @extend_schema(
        request=PurchaseSerializer,
        responses={201: PurchaseAnswerSerializer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="offers_purchase",
    )
    def post(self, request: Request, offer_id: UUID) -> Response:
        """Hold units and answer where to pay; a free offer is complete at once."""
        user = require_user(request)
        body = PurchaseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = PurchaseOffer(
            offer_id=offer_id,
            quantity=body.validated_data["quantity"],
            ticket_id=body.validated_data["ticket_id"],
            buyer_id=user.pk,
            buyer_email=user.email,
            key=request.headers.get("Idempotency-Key"),
            network=client_network(request),
        )
        return Response(purchase_offer(wish, now=clock.now()).as_json(), status=201)


class EventOffersView(APIView):
    """The offers of an event."""

    @extend_schema(
        parameters=[
            OpenApiParameter("placement", OpenApiTypes.STR, enum=Placement.values),
            OpenApiParameter(
                "session_id", OpenApiTypes.UUID, description="Leaves out what targets other sessions."
            ),
            OpenApiParameter(
                "active",
                OpenApiTypes.STR,
                enum=[shown.value for shown in Shown],
                description="true (if not said): what the caller could buy now. false: the rest, all: both; "
                "these are for those who manage the offers.",
            ),
            *PAGE,
        ],
        responses=OfferPageSerializer,
        operation_id="events_offers_list",
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """List offers, newest first."""
        paging, page = _page_of(request)
        query = OfferQuery(
            event_id=event_id,
            actor=actor_of_request(request),
            placement=request.query_params.get("placement") or None,
            session_id=_optional_id(request, "session_id"),
            shown=_shown(request.query_params.get("active", "")),
        )
        offers, count = reading.page_of_offers(query, page, now=clock.now())
        return _page_answer(paging, count, [OfferSerializer(offer).data for offer in offers])


class MyPurchasesView(APIView):
    """What the caller bought."""

    @extend_schema(
        parameters=[OpenApiParameter("event_id", OpenApiTypes.UUID), *PAGE],
        responses=MyPurchasePageSerializer,
        operation_id="me_purchases_list",
    )
    def get(self, request: Request) -> Response:
        """List the caller's purchases, newest first, with what they got."""
        user = require_user(request)
        paging, page = _page_of(request)
        event_id = _optional_id(request, "event_id")
        purchases, count = page_of_purchases(user.pk, page, now=clock.now(), event_id=event_id)
        return _page_answer(paging, count, [MyPurchaseSerializer(purchase).data for purchase in purchases])


def _offer_answer(request: Request, offer_id: UUID, *, status: int = 200) -> Response:
    offer: Offer = reading.offer_for(actor_of_request(request), offer_id, now=clock.now())
    return Response(OfferSerializer(offer).data, status=status)


def _page_of(request: Request) -> tuple[LimitOffset, Page]:
    """Read the page that is asked for, for a list that brings its own count."""
    paging = LimitOffset()
    paging.request = request
    limit = paging.get_limit(request) or LimitOffset.default_limit
    offset = paging.get_offset(request)
    paging.limit, paging.offset = limit, offset
    return paging, Page(limit=limit, offset=offset)


def _page_answer(paging: LimitOffset, count: int, results: list[Any]) -> Response:
    paging.count = count
    return paging.get_paginated_response(results)


def _shown(text: str) -> Shown:
    if text == "":
        return Shown.ACTIVE
    try:
        return Shown(text)
    except ValueError as error:
        raise Invalid.field("active", "invalid_choice", "One of true, false, all.") from error


def _optional_id(request: Request, name: str) -> UUID | None:
    text = request.query_params.get(name, "")
    if text == "":
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid.field(name, "not_an_id", "Give an id.") from error


def _whole_number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid.field(name, "not_a_number", "Give a whole number.")
    return int(text)
