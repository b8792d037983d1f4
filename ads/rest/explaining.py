"""Explaining decisions on REST."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.authentication import actor_of_request, require_user
from ads.decision.explain import Explained, explain
from ads.models import Ad
from ads.rest.serving import PARAMETERS
from ads.rest.serving_shapes import ExplainQuery, ExplanationAnswer
from common import clock
from common.rest import LimitOffset

_CONTEXT: Final = ("event_id", "placement", "session_id", "user_id", "session_token")
_VIEWER: Final = [
    OpenApiParameter("user_id", OpenApiTypes.UUID, description="Whose caps to tell."),
    OpenApiParameter(
        "session_token", OpenApiTypes.STR, description="The same, of somebody who is not signed in."
    ),
]


class ExplainView(ListAPIView[Any]):
    """``GET ads/explain``."""

    serializer_class = ExplanationAnswer
    filter_backends = ()
    queryset = Ad.objects.none()

    @extend_schema(operation_id="explain_ads", parameters=[*PARAMETERS, *_VIEWER])
    def get(self, request: Request) -> Response:
        """Tell of a page of the event's ads why each would, or would not, be shown there now; eligible ones first.

        For members from analyst up. Nothing is reserved.
        """
        require_user(request)
        paging = LimitOffset()
        paging.request = request
        paging.limit = paging.get_limit(request) or LimitOffset.default_limit
        paging.offset = paging.get_offset(request)
        found = self._explained(request, paging.limit, paging.offset)
        paging.count = found.count
        return paging.get_paginated_response(ExplanationAnswer(found.ads, many=True).data)

    @staticmethod
    def _explained(request: Request, limit: int, offset: int) -> Explained:
        given = request.query_params
        asked = ExplainQuery(data={name: given[name] for name in _CONTEXT if given.get(name)})
        asked.is_valid(raise_exception=True)
        context = asked.validated_data
        return explain(
            actor=actor_of_request(request),
            event_id=context["event_id"],
            placement=context["placement"],
            session_id=context.get("session_id"),
            user_id=context.get("user_id"),
            session_token=context.get("session_token"),
            now=clock.now(),
            limit=limit,
            offset=offset,
        )
