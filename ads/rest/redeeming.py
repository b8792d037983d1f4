"""Where front ends tell what was shown, seen and clicked. Anybody may: the token is the proof."""

from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from accounts.rest.hot import HotPostView
from ads.models import InvalidReason
from ads.rest.callers import user_id_of, visitor_of
from ads.services import following, redeeming
from ads.types.redeeming import MAXIMUM_SEEN, Seen
from common import clock
from common.errors import Invalid
from common.rest.fast import body_of, decoded

MAXIMUM_BYTES: Final = 256 * 1024
# Fetch Standard, "Sec-Purpose"; Chrome's and Safari's older Purpose and X-Purpose; Firefox's X-Moz.
_AHEAD: Final = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_AHEAD_SIGNS: Final = ("prefetch", "prerender", "preview")


class _Batch(msgspec.Struct):
    impressions: list[msgspec.Raw]


class _Item(msgspec.Struct):
    token: str
    viewable: bool = False


class _Click(msgspec.Struct):
    token: str


_batch = msgspec.json.Decoder(_Batch)
_item = msgspec.json.Decoder(_Item)
_click = msgspec.json.Decoder(_Click)
_encode = msgspec.json.Encoder().encode
# What cannot be read is no token of ours.
_UNREADABLE: Final = Seen("")


class ImpressionShape(serializers.Serializer[Any]):
    """An ad that was shown, by its token."""

    token = serializers.CharField()
    viewable = serializers.BooleanField(
        default=False, help_text="It was seen: counts the impression too, if it was not told before."
    )


class ImpressionsShape(serializers.Serializer[Any]):
    """What was shown and seen."""

    impressions = serializers.ListField(child=ImpressionShape(), min_length=1, max_length=MAXIMUM_SEEN)


class ImpressionResult(serializers.Serializer[Any]):
    """What became of one item."""

    index = serializers.IntegerField()
    counted = serializers.BooleanField()
    reason = serializers.ChoiceField(
        choices=InvalidReason.choices, required=False, help_text="Why it did not count."
    )


class ImpressionsAnswer(serializers.Serializer[Any]):
    """What became of each item, in their order."""

    results = ImpressionResult(many=True)


class ClickShape(serializers.Serializer[Any]):
    """The token of the ad that was clicked."""

    token = serializers.CharField()


class ClickAnswer(serializers.Serializer[Any]):
    """Whether the click counted, and where it leads."""

    counted = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=InvalidReason.choices, required=False)
    click_url = serializers.URLField()


class ImpressionsView(HotPostView):
    """``POST ads/impressions``."""

    @extend_schema(
        operation_id="tell_ad_impressions", request=ImpressionsShape, responses={202: ImpressionsAnswer}
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Count ads that were shown, and those that were seen: each token once for either.

        Any content type is read as JSON, so that `navigator.sendBeacon` needs no preflight. At most 100 items and
        256 kB. Each item is answered by its place; one that does not count tells why and holds back no other.
        """
        now = clock.now()
        user_id = user_id_of(request.META.get("HTTP_AUTHORIZATION", ""), now)
        batch: _Batch = decoded(_batch, body_of(request, most=MAXIMUM_BYTES))
        if len(batch.impressions) > MAXIMUM_SEEN:
            raise Invalid.field("impressions", "out_of_range", f"1 to {MAXIMUM_SEEN} impressions.")
        seen = [_seen(raw) for raw in batch.impressions]
        results = redeeming.redeem_impressions(seen=seen, who=visitor_of(request, user_id), now=now)
        told = [
            {"index": one.index, "counted": one.counted} | ({"reason": one.reason} if one.reason else {})
            for one in results
        ]
        return _answer({"results": told})


class ClickView(HotPostView):
    """``POST ads/{id}/click``."""

    @extend_schema(operation_id="tell_ad_click", request=ClickShape, responses={202: ClickAnswer})
    def post(self, request: HttpRequest, ad_id: UUID) -> HttpResponse:
        """Count a click on an ad, for front ends that open it themselves; a link to `go` needs no script.

        404 for an ad that is not there, or leads nowhere.
        """
        now = clock.now()
        user_id = user_id_of(request.META.get("HTTP_AUTHORIZATION", ""), now)
        body: _Click = decoded(_click, body_of(request, most=MAXIMUM_BYTES))
        who = visitor_of(request, user_id)
        done = redeeming.click(ad_id=ad_id, token=body.token, who=who, now=now)
        reason = {"reason": done.reason} if done.reason else {}
        return _answer({"counted": done.counted, "click_url": done.destination} | reason)


class GoView(APIView):
    """``GET ads/{id}/go``: the link of an ad, which works without any script."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a click; other methods are DRF's."""
        if request.method not in ("GET", "HEAD"):
            return super().dispatch(request, *args, **kwargs)
        request.user = AnonymousUser()
        return self.get(request, *args, **kwargs)

    @extend_schema(
        operation_id="follow_ad",
        parameters=[OpenApiParameter("token", OpenApiTypes.STR, description="The served ad's token.")],
        responses={302: OpenApiResponse(description="To the ad's stored destination, and nowhere else.")},
        auth=[],
    )
    def get(self, request: HttpRequest, ad_id: UUID) -> HttpResponse:
        """Count the click and lead to the stored destination, whatever the token is worth.

        Also while it cannot be counted. A look at the head, and what a browser fetches ahead, count nothing: nobody
        arrives by it. 404 for an ad that is not there, leads nowhere, or has not begun (but for a token of it).
        """
        token, now = _token_of(request.META.get("QUERY_STRING", "")), clock.now()
        if _looks_ahead(request):
            destination = following.destination_of(ad_id=ad_id, token=token, now=now)
        else:
            who = visitor_of(request, None)
            destination = following.follow(ad_id=ad_id, token=token, who=who, now=now).destination
        answer = HttpResponseRedirect(destination)
        answer["Cache-Control"] = "no-store"
        # The sponsor learns from which site somebody comes, not from which page; the token goes no further.
        answer["Referrer-Policy"] = "strict-origin"
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer


def _token_of(query: str) -> str:
    """Return the token as it was sent, whatever it is: rubbish is no token of ours, and no reason to refuse."""
    given = [
        value for name, _, value in (part.partition("=") for part in query.split("&")) if name == "token"
    ]
    return unquote_plus(given[-1]) if given else ""


def _looks_ahead(request: HttpRequest) -> bool:
    """Say whether nobody follows the link yet: browsers fetch ahead, and say so."""
    told = " ".join(request.META.get(name, "") for name in _AHEAD).lower()
    return request.method == "HEAD" or any(sign in told for sign in _AHEAD_SIGNS)


def _seen(raw: msgspec.Raw) -> Seen:
    try:
        item = _item.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _UNREADABLE
    return Seen(item.token, item.viewable)


def _answer(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(_encode(body), content_type="application/json", status=202)
