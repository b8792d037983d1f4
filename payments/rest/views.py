"""Orders on REST: parse the shape, call one service, shape the answer."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import actor_of_request, require_user
from common import clock
from common.requests import bind
from common.rest.schema import IDEMPOTENCY_KEY
from payments import selectors
from payments.answers import order_answer
from payments.rest.serializers import (
    OrderSerializer,
    RefundRequestSerializer,
    RefundSerializer,
    ReturnSerializer,
)
from payments.services.holds import cancel_order
from payments.services.once import refund_once
from payments.services.returning import return_from_checkout
from payments.types import RequestRefund


class OrderView(APIView):
    """One order."""

    @extend_schema(responses=OrderSerializer, operation_id="orders_retrieve")
    def get(self, request: Request, order_id: UUID) -> Response:
        """Return an order to its buyer, or to a member of the organization who may see orders."""
        return Response(order_answer(selectors.order_for(actor_of_request(request), order_id)))


class OrderByNumberView(APIView):
    """One order, by the number that people read to each other."""

    @extend_schema(responses=OrderSerializer, operation_id="orders_retrieve_by_number")
    def get(self, request: Request, number: str) -> Response:
        """Return the order with this number, in whatever case and spacing."""
        return Response(order_answer(selectors.order_by_number(actor_of_request(request), number)))


class RefundsView(APIView):
    """Refunds of an order."""

    @extend_schema(
        request=RefundRequestSerializer,
        responses={201: RefundSerializer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="orders_refund",
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Give money back, in full or in part; for admins and owners. Stripe is asked after the answer."""
        require_user(request)
        body = RefundRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        bind(order_id=order_id)
        command = RequestRefund(order_id=order_id, actor=actor_of_request(request), **body.validated_data)
        answer = refund_once(command, key=request.headers.get("Idempotency-Key"), now=clock.now())
        return Response(answer, status=201)


class CancelView(APIView):
    """Giving up an order that is not paid."""

    @extend_schema(request=None, responses=OrderSerializer, operation_id="orders_cancel")
    def post(self, request: Request, order_id: UUID) -> Response:
        """Close the checkout at Stripe and release what was held; for the buyer."""
        require_user(request)
        bind(order_id=order_id)
        actor = actor_of_request(request)
        cancel_order(order_id, actor, now=clock.now())
        return Response(order_answer(selectors.order_for(actor, order_id)))


class ReturnView(APIView):
    """Coming back from Stripe's page."""

    @extend_schema(request=ReturnSerializer, responses=OrderSerializer, operation_id="orders_return")
    def post(self, request: Request, order_id: UUID) -> Response:
        """Look at once what became of the payment, without waiting for a webhook; for the buyer."""
        require_user(request)
        body = ReturnSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        bind(order_id=order_id)
        actor, session_id = actor_of_request(request), body.validated_data["session_id"]
        return_from_checkout(order_id, actor, session_id=session_id or None, now=clock.now())
        return Response(order_answer(selectors.order_for(actor, order_id)))
