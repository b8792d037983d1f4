"""Serving ads on REST: the product's busiest door, so its query is read and its answer written by hand."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.views import APIView

from accounts.rest.authentication import user_of_header
from accounts.services.access import actor_of
from ads.decision.asking import asks
from ads.decision.decide import decide
from ads.decision.types import MAXIMUM_LIMIT, Candidate, Context, Decision
from ads.decision.viewers import viewer_of
from ads.models import AdPlacement
from ads.rest.callers import is_program, network_of, user_id_of
from ads.rest.serving_shapes import ServeAnswer
from ads.tracked import tracked_path
from common import clock
from common.errors import FieldError, Invalid, Unauthenticated
from common.problems import drf_exception_handler
from common.rest.schema import whole_number
from common.types import ANONYMOUS, Actor

PARAMETERS: Final = [
    OpenApiParameter("event_id", OpenApiTypes.UUID, required=True),
    OpenApiParameter("placement", OpenApiTypes.STR, required=True, enum=AdPlacement.values),
    OpenApiParameter("session_id", OpenApiTypes.UUID, description="Where the viewer is: ads may aim at it."),
]
_MORE: Final = [
    OpenApiParameter(
        "session_token",
        OpenApiTypes.STR,
        description="Tells viewers apart who are not signed in, for frequency caps; at most 128 characters. Without "
        "one, and not signed in, there is one ad at most.",
    ),
    whole_number(
        "limit",
        lowest=1,
        highest=MAXIMUM_LIMIT,
        description=f"How many at most, 1 to {MAXIMUM_LIMIT}; 1 if not said.",
    ),
    OpenApiParameter(
        "ad_id", OpenApiTypes.UUID, description="That ad or none, as for one that was announced."
    ),
]
_NAMES: Final = frozenset(one.name for one in (*PARAMETERS, *_MORE))
_PLACEMENTS: Final = frozenset(AdPlacement.values)
_LIMITS: Final = {str(number): number for number in range(1, MAXIMUM_LIMIT + 1)}


class ServeView(APIView):
    """``GET ads/serve``. A look is answered beside DRF: see ``accounts.rest.hot``."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a look; hand every other method on."""
        if request.method not in ("GET", "HEAD"):
            return super().dispatch(request, *args, **kwargs)
        # Nobody is looked up: a browser's session is nobody here, and a token's person is only told apart.
        request.user = AnonymousUser()
        try:
            return self.get(request)
        except AuthenticationFailed as refusal:
            return drf_exception_handler(refusal, {})

    @extend_schema(operation_id="serve_ads", parameters=[*PARAMETERS, *_MORE], responses=ServeAnswer)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Choose ads to show here and now. Each carries a token that counts it once.

        ``degraded``: frequency caps could not be asked, so there is one ad at most. A look at the head decides nothing.
        429 for more a minute than people's pages ask.
        """
        asked = read_query(request.META.get("QUERY_STRING", ""))
        if request.method == "HEAD":
            return _answer(b"")
        now = clock.now()
        header = request.META.get("HTTP_AUTHORIZATION", "")
        user_id = user_id_of(header, now) if header else None
        context = Context(
            event_id=asked.event_id, placement=asked.placement, session_id=asked.session_id,
            viewer=viewer_of(user_id, asked.session_token), limit=asked.limit, ad_id=asked.ad_id,
            is_program=is_program(request),
        )  # fmt: skip
        asks.count(context.viewer, network_of(request))
        decision = decide(context=context, who=partial(_actor, header), now=now)
        return _answer(written(decision, f"{request.scheme}://{request.get_host()}"))


def _answer(body: bytes) -> HttpResponse:
    answer = HttpResponse(body, content_type="application/json")
    answer["Cache-Control"] = "no-store"
    return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query, read."""

    event_id: UUID
    placement: str
    session_id: UUID | None
    session_token: str
    limit: int
    ad_id: UUID | None


def read_query(query: str) -> _Asked:
    """Read a query string. Raises ``Invalid`` naming every parameter that is missing, wrong, unknown or repeated."""
    given, errors = _pairs(query)
    event_id, placement = _id(given, "event_id", errors), given.get("placement", "")
    session_id, ad_id = _id(given, "session_id", errors), _id(given, "ad_id", errors)
    for name in ("event_id", "placement"):
        if not given.get(name):
            errors.append(FieldError(name, "required", "This parameter is needed."))
    if placement and placement not in _PLACEMENTS:
        errors.append(FieldError("placement", "invalid_choice", f"One of {', '.join(AdPlacement.values)}."))
    limit = _LIMITS.get(given.get("limit") or "1")
    if limit is None:
        message = f"Give a whole number from 1 to {MAXIMUM_LIMIT}."
        errors.append(FieldError("limit", "out_of_range", message))
    if errors or event_id is None or limit is None:
        raise Invalid(errors=errors)
    return _Asked(event_id, placement, session_id, given.get("session_token", ""), limit, ad_id)


def _pairs(query: str) -> tuple[dict[str, str], list[FieldError]]:
    given: dict[str, str] = {}
    errors: list[FieldError] = []
    for part in query.split("&"):
        if "%" in part or "+" in part:
            name, value = (unquote_plus(text) for text in part.partition("=")[::2])
        else:
            name, _, value = part.partition("=")
        if name in given:
            errors.append(FieldError(name, "repeated", "Give it once."))
        elif name in _NAMES:
            given[name] = value
        elif part:
            errors.append(FieldError(name[:100], "unknown_field", "There is no such parameter."))
    return given, errors


def _id(given: dict[str, str], name: str, errors: list[FieldError]) -> UUID | None:
    text = given.get(name)
    if not text:
        return None
    found = _as_id(text)
    if found is None:
        errors.append(FieldError(name, "not_an_id", "Give an id."))
    return found


@lru_cache(maxsize=4096)
def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _actor(header: str) -> Actor:
    """Return who calls, looked up: for events that are not everybody's. Raises ``AuthenticationFailed``."""
    try:
        user = user_of_header(header)
    except Unauthenticated as failure:
        raise AuthenticationFailed(failure.detail) from failure
    return ANONYMOUS if user is None else actor_of(user)


def written(decision: Decision, base: str) -> bytes:
    """Return the answer's JSON; ``base`` is the address under which the product was called."""
    ads = []
    for served in decision.ads:
        before, path, after = _pieces(served.candidate)
        tracked = f'"{base}{path}{served.token}"' if path else "null"
        ads.append(f'{before}{tracked}{after}{served.token}"}}')
    degraded = "true" if decision.degraded else "false"
    return f'{{"ads": [{", ".join(ads)}], "degraded": {degraded}}}'.encode()


@lru_cache(maxsize=20_000)
def _pieces(ad: Candidate) -> tuple[str, str, str]:
    """Return an ad's JSON up to the tracked address, that address up to the token, and the rest up to the token."""
    before = {
        "id": str(ad.id), "name": ad.name, "content_type": ad.content_type, "media_url": ad.media_url,
        "click_url": ad.click_url,
    }  # fmt: skip
    after = {"display_duration_seconds": ad.duration, "aspect_ratio": ad.aspect_ratio}
    head = msgspec.json.encode(before).decode().removesuffix("}")
    tail = msgspec.json.encode(after).decode().removeprefix("{").removesuffix("}")
    return f'{head},"tracked_click_url":', tracked_path(ad), f',{tail},"token":"'
