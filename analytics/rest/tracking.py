"""The door that front ends tell events at. Anybody may; a page that is being closed sends a beacon."""

import re
from datetime import datetime
from typing import Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from ads.services.bots import is_bot
from analytics.models import RefusalReason, TrackedType
from analytics.services.checking import instant
from analytics.services.tracking import track
from analytics.types.tracking import MAXIMUM_EVENTS, Batch, Incoming, Instant, Refused, Visitor
from common import clock
from common.errors import Invalid
from common.ratelimits import RateLimit, hit
from common.rest import client_address, client_network
from common.rest.fast import body_of, decoded, field_error
from common.rest.networks import shortened

MAXIMUM_BYTES: Final = 1024 * 1024


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]
    sent_at: Instant | None = None
    camel_sent_at: Instant | None = msgspec.field(default=None, name="sentAt")


# An escaped backslash, a whole sign of two halves, or (the group) half of one.
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_body = msgspec.json.Decoder(_Body)
_event = msgspec.json.Decoder(Incoming)
_answer = msgspec.json.Encoder()


class TrackedEventShape(serializers.Serializer[Any]):
    """One event, in snake_case or camelCase."""

    id = serializers.CharField(max_length=64, required=False)
    type = serializers.ChoiceField(choices=TrackedType.choices)
    event_id = serializers.UUIDField()
    entity_id = serializers.UUIDField(help_text="The offer, ad or session.")
    timestamp = serializers.DateTimeField(
        required=False, help_text="With an offset; or milliseconds since 1970."
    )
    session_token = serializers.CharField(max_length=128, required=False)
    metadata = serializers.DictField(required=False, help_text="At most 2,000 bytes.")


class TrackShape(serializers.Serializer[Any]):
    """A batch of events, and the client's clock when it sent them."""

    events = serializers.ListField(child=TrackedEventShape(), max_length=MAXIMUM_EVENTS)
    sent_at = serializers.DateTimeField(required=False)


class RejectedShape(serializers.Serializer[Any]):
    """An event that was not kept."""

    index = serializers.IntegerField()
    code = serializers.ChoiceField(choices=RefusalReason.choices)
    message = serializers.CharField()


class TrackedShape(serializers.Serializer[Any]):
    """What became of the batch; it is durable."""

    status = serializers.CharField(default="accepted")
    queued = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectedShape(many=True)


class TrackView(APIView):
    """``POST analytics/track``, a plain view inside: it is called for everything that people look at."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a batch; other methods are DRF's."""
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        return self.post(request)

    @extend_schema(request=TrackShape, responses={202: TrackedShape}, auth=[])
    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the events of front ends, each once however often it is sent.

        Any content type is read as JSON, so that `navigator.sendBeacon` needs no preflight. At most 500 events and
        1 MB. An event that is not kept is told by its place and a code; the others are kept all the same. Events may
        come up to 7 days late; `sent_at` corrects a clock that is wrong.
        """
        hit(RateLimit("analytics.track", settings.TRACK_RATE_LIMIT, 60), client_network(request))
        visitor = Visitor(
            network=shortened(client_address(request)), is_bot=is_bot(request.META.get("HTTP_USER_AGENT", ""))
        )
        result = track(_read(body_of(request, most=MAXIMUM_BYTES)), visitor, now=clock.now())
        answer = {
            "status": "accepted",
            "queued": result.queued,
            "duplicates": result.duplicates,
            "rejected": result.rejected,
        }
        return HttpResponse(_answer.encode(answer), content_type="application/json", status=202)


def _read(raw: bytes) -> Batch:
    """Read a batch; what is no event is told by its place. Raises ``Invalid`` for what is no batch."""
    body = _outside(raw)
    if not 1 <= len(body.events) <= MAXIMUM_EVENTS:
        raise Invalid.field("events", "out_of_range", f"1 to {MAXIMUM_EVENTS} events.")
    batch = Batch(events=[], unreadable=[], sent_at=_sent_at(body.sent_at or body.camel_sent_at))
    for index, event in enumerate(body.events):
        try:
            batch.events.append((index, _event.decode(event)))
        except msgspec.ValidationError as error:
            wrong = field_error(error)
            message = f"{wrong.field}: {wrong.message}" if wrong.field else wrong.message
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, message))
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.unreadable.append(Refused(index, RefusalReason.INVALID, "This is no text."))
    return batch


def _outside(raw: bytes) -> _Body:
    """Read the batch without its events.

    JavaScript may write half a sign (one of two UTF-16 units) as an escape, for which the reader refuses the whole
    text. Then it becomes the sign for what cannot be shown, so that nothing is lost for it.
    """
    try:
        body: _Body = decoded(_body, raw)
    except Invalid:
        mended = _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], raw)
        if mended == raw:
            raise
        body = decoded(_body, mended)
    return body


def _sent_at(said: datetime | float | None) -> datetime | None:
    try:
        return None if said is None else instant(said)
    except (OverflowError, ValueError, OSError) as error:
        raise Invalid.field("sent_at", "invalid", "Not an instant.") from error
