"""Problems for what DRF does not answer: unknown URLs, plain views, defects, CSRF, large bodies."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase

from common.problems.documents import Problem, problem_response
from common.problems.translation import INTERNAL, MALFORMED, TOO_LARGE, UNKNOWN_HOST, problem_of

# Where callers are programs: there every error is a problem document, elsewhere pages stay pages.
PREFIXES = ("/api/", "/graphql", "/healthz", "/readyz", "/metrics")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_CODES = {400: "malformed", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}

_View = TypeVar("_View", bound=Callable[..., HttpResponseBase])

_log = logging.getLogger(__name__)


def bounds_own_body(view: _View) -> _View:
    """Mark a view that reads its raw body itself, and never more of it than its own limit.

    The limit for all bodies (``DATA_UPLOAD_MAX_MEMORY_SIZE``) does not stand before it.
    """
    view.bounds_own_body = True  # type: ignore[attr-defined]
    return view


def reads_own_query(view: _View) -> _View:
    """Mark a view that reads its raw query itself, and knows what to make of a NUL in it."""
    view.reads_own_query = True  # type: ignore[attr-defined]
    return view


class HostMiddleware:
    """Refuses a Host header that is not ours before anybody builds an address of it.

    Strangers send such headers all day: one quiet line in the access log, no trace.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; see the class."""
        try:
            request.get_host()
        except DisallowedHost:
            return refused(request, UNKNOWN_HOST)
        return self.get_response(request)


class ProblemMiddleware:
    """Turns errors under the API's paths into problem documents, and refuses what no view can read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; see the class."""
        # PostgreSQL's text has no NUL.
        if "\0" in request.path:
            return refused(request, MALFORMED)
        response = self.get_response(request)
        if response.status_code < 400 or not speaks_problems(request):
            return response
        return _as_problem(response)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Refuse a NUL in the query, and a body over the limit: DRF reads the stream past Django's own check."""
        if "%00" in request.META.get("QUERY_STRING", "") and not getattr(view, "reads_own_query", False):
            return refused(request, MALFORMED)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if limit is None or not (length.isascii() and length.isdigit()) or int(length[:20]) <= limit:
            return None
        return None if getattr(view, "bounds_own_body", False) else refused(request, TOO_LARGE)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what a view raised.

        A defect is logged with its trace and tells the caller only the request id.
        """
        if not speaks_problems(request):
            return None
        problem = problem_of(error)
        if problem is None:
            _log.error("unhandled exception", exc_info=error)
            got_request_exception.send(sender=type(self), request=request)
            return problem_response(INTERNAL)
        return problem_response(problem)


def speaks_problems(request: HttpRequest) -> bool:
    """Say whether errors at this path are problem documents."""
    return request.path.startswith(PREFIXES)


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer a request that no view shall see: the document for programs, a bare 400 for browsers."""
    return problem_response(problem) if speaks_problems(request) else HttpResponseBadRequest()


def _as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """Replace a page or an empty answer; what a view wrote as JSON or problem is its own."""
    content_type = response.get("Content-Type", "").split(";")[0]
    if content_type and content_type != "text/html" and content_type != "text/plain":
        return response
    status = response.status_code
    title = HTTPStatus(status).phrase
    code = _CODES.get(status, "internal_error" if status >= 500 else "refused")
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    problem = problem_response(Problem(status, code, title, title, headers=headers))
    problem.cookies = response.cookies
    response.close()
    return problem
