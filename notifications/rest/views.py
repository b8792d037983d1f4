"""What a client that was away reads (REQ RT-06)."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import require_user
from common import clock
from common.errors import FieldError, Invalid
from common.rest.pagination import DEFAULT_LIMIT, MAXIMUM_LIMIT
from common.rest.queries import refuse_unknown
from common.rest.schema import whole_number
from common.rest.text import LARGEST_INTEGER
from notifications.realtime import history
from notifications.realtime.history import Missed
from notifications.rest.serializers import MissedAnswer

_PARAMETERS = [
    OpenApiParameter("stream", OpenApiTypes.STR, required=True, description="The room, e.g. `user:{id}`."),
    whole_number(
        "after",
        lowest=0,
        highest=LARGEST_INTEGER,
        required=True,
        description="The last number that is known; 0: from the first.",
    ),
    whole_number(
        "limit",
        lowest=1,
        highest=MAXIMUM_LIMIT,
        description=f"1 to {MAXIMUM_LIMIT}, {DEFAULT_LIMIT} if not given.",
    ),
]


class MissedView(APIView):
    """``GET realtime/missed``."""

    @extend_schema(operation_id="realtime_missed", parameters=_PARAMETERS, responses=MissedAnswer)
    def get(self, request: Request) -> Response:
        """Return what followed a number in a stream, in order, to who may join its room; 410 when it is gone."""
        user = require_user(request)
        refuse_unknown(request)
        query = _Query(request)
        found = history.missed(user, query.stream, after=query.after, limit=query.limit, now=clock.now())
        return Response(_answer(request, found, query.limit))


class _Query:
    """The parameters, each checked; raises ``Invalid`` naming all that are wrong."""

    def __init__(self, request: Request) -> None:
        self._given = request.query_params
        self._errors: list[FieldError] = []
        self.stream = self._given.get("stream", "")
        if not self.stream:
            self._errors.append(FieldError("stream", "required", "Name the stream."))
        self.after = self._number("after", None, lowest=0, highest=LARGEST_INTEGER)
        self.limit = self._number("limit", DEFAULT_LIMIT, lowest=1, highest=MAXIMUM_LIMIT)
        if self._errors:
            raise Invalid(errors=self._errors)

    def _number(self, name: str, default: int | None, *, lowest: int, highest: int) -> int:
        text = self._given.get(name, "")
        if text == "" and default is not None:
            return default
        if text == "":
            self._errors.append(FieldError(name, "required", "Give the last number that you know, or 0."))
        elif not (text.isascii() and text.isdigit()):
            self._errors.append(FieldError(name, "not_a_number", "Give a whole number."))
        elif not lowest <= int(text[:20]) <= highest:
            self._errors.append(
                FieldError(name, "out_of_range", f"Give a number from {lowest} to {highest}.")
            )
        else:
            return int(text[:20])
        return lowest


def _answer(request: Request, found: Missed, limit: int) -> dict[str, Any]:
    following = None
    if found.next_after is not None:
        address = request.build_absolute_uri(request.path)
        following = f"{address}?stream={found.stream}&after={found.next_after}&limit={limit}"
    return {
        "stream": found.stream,
        "seq": found.seq,
        "next": following,
        "results": [
            {
                "event_id": str(one.event_id),
                "stream": one.stream,
                "seq": one.seq,
                "event": one.event,
                **one.payload,
            }
            for one in found.events
        ],
    }
