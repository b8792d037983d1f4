"""The door that front ends tell events at. Anybody may; a page that is being closed sends a beacon."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.rest.hot import HotPostView
from analytics.models import RefusalReason, TrackedType
from analytics.rest.batches import MAXIMUM_BYTES, read_batch
from analytics.services.tracking import track
from analytics.types.tracking import MAXIMUM_EVENTS, Batch, Incoming, Visitor
from common import clock
from common.bots import is_bot
from common.ratelimits import RateLimit, hit
from common.rest import client_address, client_network
from common.rest.fast import body_of
from common.rest.networks import shortened

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

    events = serializers.ListField(child=TrackedEventShape(), min_length=1, max_length=MAXIMUM_EVENTS)
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


class TrackView(HotPostView):
    """``POST analytics/track``, a plain view inside: it is called for everything that people look at."""

    @extend_schema(request=TrackShape, responses={202: TrackedShape}, auth=[])
    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the events of front ends, each once however often it is sent.

        Any content type is read as JSON, so that `navigator.sendBeacon` needs no preflight. At most 500 events and
        1 MB. An event that is not kept is told by its place and a code; the others are kept all the same. Events may
        come up to 7 days late; `sent_at` corrects a clock that is wrong.
        """
        visitor = Visitor(
            network=shortened(client_address(request)), is_bot=is_bot(request.META.get("HTTP_USER_AGENT", ""))
        )
        read = read_batch(body_of(request, most=MAXIMUM_BYTES), _event)
        hit(
            RateLimit("analytics.track", settings.TRACK_RATE_LIMIT, 60),
            client_network(request),
            cost=read.size,
        )
        result = track(
            Batch(read.events, read.unreadable, read.sent_at, read.named), visitor, now=clock.now()
        )
        answer = {
            "status": "accepted",
            "queued": result.queued,
            "duplicates": result.duplicates,
            "rejected": result.rejected,
        }
        return HttpResponse(_answer.encode(answer), content_type="application/json", status=202)
