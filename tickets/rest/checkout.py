"""Buying tickets on REST."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import require_user
from common import clock
from common.rest import client_network
from common.rest.schema import IDEMPOTENCY_KEY
from payments.rest.serializers import PurchaseAnswerSerializer
from tickets.rest.serializers import CheckoutSerializer
from tickets.services.checkout import buy_tickets
from tickets.types import BuyTickets


class CheckoutView(APIView):
    """``events/{id}/checkout``."""

    @extend_schema(
        operation_id="checkout_tickets",
        request=CheckoutSerializer,
        responses={201: PurchaseAnswerSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, event_id: UUID) -> Response:
        """Hold tickets and answer where to pay; free ones are issued at once."""
        user = require_user(request)
        body = CheckoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = BuyTickets(
            event_id=event_id,
            buyer_id=user.pk,
            buyer_email=user.email,
            key=request.headers.get("Idempotency-Key"),
            network=client_network(request),
            **body.validated_data,
        )
        return Response(buy_tickets(wish, now=clock.now()).as_json(), status=201)
