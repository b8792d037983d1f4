"""The door that front ends tell of experiments at. Anybody may; a page that is being closed sends a beacon."""

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers

from accounts.rest.hot import HotPostView
from analytics.rest.batches import MAXIMUM_BYTES, read_batch
from analytics.rest.experiment_shapes import TrackedResultShape, TrackedResultsShape
from analytics.services.experiments.tracking import track_results
from analytics.types.experiments import IncomingResult, ResultBatch
from analytics.types.tracking import MAXIMUM_EVENTS
from common import clock
from common.bots import is_bot
from common.ratelimits import RateLimit, hit
from common.rest import client_network
from common.rest.fast import body_of

_event = msgspec.json.Decoder(IncomingResult)
_answer = msgspec.json.Encoder()
_BODY = inline_serializer(
    "ABTrack",
    {
        "events": serializers.ListField(child=TrackedResultShape(), min_length=1, max_length=MAXIMUM_EVENTS),
        "sent_at": serializers.DateTimeField(required=False),
    },
)


class TrackResultsView(HotPostView):
    """``POST ab-tests/track``, a plain view inside: every visitor of a tested page calls it."""

    @extend_schema(
        operation_id="track_ab_tests", request=_BODY, responses={202: TrackedResultsShape}, auth=[]
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Count the events of experiments: each visitor once, in the variant that is theirs.

        Any content type is read as JSON, so that `navigator.sendBeacon` needs no preflight. At most 500 events and
        1 MB. An event that is not counted is told by its place and a code; the others count all the same. Told again,
        nothing counts again. Events may come up to 7 days late; `sent_at` corrects a clock that is wrong.
        """
        read = read_batch(body_of(request, most=MAXIMUM_BYTES), _event)
        hit(
            RateLimit("analytics.ab_track", settings.TRACK_RATE_LIMIT, 60),
            client_network(request),
            cost=read.size,
        )
        result = track_results(
            ResultBatch(read.events, read.unreadable, read.sent_at),
            is_bot=is_bot(request.headers.get("User-Agent", "")),
            now=clock.now(),
        )
        answer = {
            "status": "accepted",
            "queued": result.queued,
            "duplicates": result.duplicates,
            "rejected": result.rejected,
        }
        return HttpResponse(_answer.encode(answer), content_type="application/json", status=202)
