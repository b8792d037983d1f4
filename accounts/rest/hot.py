"""Calls that many make at once: answered beside DRF, whose machinery costs more than they do."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.views import APIView

from accounts.rest.authentication import BearerAuthentication, bearer_token
from accounts.services import looks
from common.errors import Unauthenticated
from common.problems import drf_exception_handler

_LOOKS = ("GET", "HEAD")


class HotGetView(APIView):
    """A view of DRF and of the OpenAPI schema whose ``get`` takes Django's request and returns its response.

    The token is asked for as everywhere, and ``request.user`` is its user; refusals are answered by the
    ``ProblemMiddleware``. Only JSON is spoken, whatever was asked for. Other methods are DRF's as ever.
    """

    get: Callable[..., HttpResponse]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a look; hand everything else on."""
        if request.method not in _LOOKS:
            return super().dispatch(request, *args, **kwargs)
        try:
            self.identify(request)
            return self.get(request, *args, **kwargs)
        except AuthenticationFailed as refusal:
            return drf_exception_handler(refusal, {})

    def identify(self, request: HttpRequest) -> None:
        """Set the request's user."""
        found = BearerAuthentication().authenticate(request)
        request.user = AnonymousUser() if found is None else found[0]


class HotPostView(APIView):
    """A view of DRF and of the OpenAPI schema whose ``post`` takes Django's request and returns its response.

    Anybody may call it: ``request.user`` is nobody, also for a browser with a session, which a page of another site
    could make use of. A ``post`` that wants to know who calls reads the token itself. Other methods are DRF's as ever.
    """

    post: Callable[..., HttpResponse]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a call; hand everything else on."""
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        request.user = AnonymousUser()
        try:
            return self.post(request, *args, **kwargs)
        except AuthenticationFailed as refusal:
            return drf_exception_handler(refusal, {})


class OwnLookView(HotGetView):
    """A hot view for signed-in people: its ``get`` asks ``look``, and nobody else, who calls."""

    def identify(self, request: HttpRequest) -> None:
        """Leave it to ``look``."""

    def look(
        self, request: HttpRequest, statement: str, of: Mapping[str, Any], *, now: datetime
    ) -> tuple[Any, ...] | None:
        """Return the row that a statement made by ``looks.own`` finds for the caller, who is looked up by it.

        None when there is no row. Raises ``Unauthenticated`` without a token, ``AuthenticationFailed`` for one
        that is not valid.
        """
        try:
            raw = bearer_token(request.headers.get("Authorization", ""))
            seen = looks.look(raw, statement, of, now=now) if raw else None
        except Unauthenticated as failure:
            raise AuthenticationFailed(failure.detail) from failure
        if seen is None:
            raise Unauthenticated
        request.user_account = Caller(seen.user_id)  # type: ignore[attr-defined]
        return seen.row


class Caller(NamedTuple):
    """What the access log asks of a user."""

    pk: UUID
