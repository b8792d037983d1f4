"""What devices tell of push messages, on REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import clock
from common.errors import FieldError, Invalid
from common.rest import StrictSerializer
from notifications.services.push import receipts

DELIVERED, OPENED = "delivered", "opened"


class ReceiptSerializer(StrictSerializer):
    """News of one message."""

    receipt = serializers.CharField(max_length=200, help_text="`receipt` of the message's data.")
    event = serializers.ChoiceField(
        choices=[(DELIVERED, "It arrived"), (OPENED, "It was opened")],
        help_text="`opened` says `delivered` too.",
    )


class ReceiptsSerializer(StrictSerializer):
    """News of one or more messages."""

    receipts = serializers.ListField(
        child=ReceiptSerializer(), allow_empty=False, min_length=1, max_length=receipts.MOST
    )


class ReceiptsAnswer(serializers.Serializer[Any]):
    """How many of them were new."""

    recorded = serializers.IntegerField()


class PushReceiptsView(APIView):
    """``me/push-receipts``. The receipt itself proves whose it is: a service worker has no token."""

    authentication_classes = ()

    @extend_schema(
        operation_id="push_receipts",
        request=ReceiptsSerializer,
        responses={202: ReceiptsAnswer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Note that messages arrived or were opened: in any order, as often as you like."""
        body = ReceiptsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        recorded = receipts.record(_read(body.validated_data["receipts"]), now=clock.now())
        return Response({"recorded": recorded}, status=202)


def _read(given: list[dict[str, str]]) -> list[receipts.Receipt]:
    """Return what is told; raises ``Invalid`` naming each receipt that is not ours: then nothing is noted."""
    read: list[receipts.Receipt] = []
    errors: list[FieldError] = []
    for index, one in enumerate(given):
        try:
            told = receipts.read(
                one["receipt"], is_opened=one["event"] == OPENED, field=f"receipts[{index}].receipt"
            )
            read.append(told)
        except Invalid as wrong:
            errors += wrong.errors
    if errors:
        raise Invalid(errors=errors)
    return read
