"""Problems for what DRF does not answer: unknown URLs, plain views, defects, CSRF, large bodies."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase

from common.problems.documents import Problem, problem_response
from common.problems.translation import INTERNAL, MALFORMED, TOO_LARGE, problem_of

# Where callers are programs: there every error is a problem document, elsewhere pages stay pages.
PREFIXES = ("/api/", "/graphql", "/healthz", "/readyz", "/metrics")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_CODES = {400: "malformed", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}

_log = logging.getLogger(__name__)


class ProblemMiddleware:
    """Turns errors under the API's paths into problem documents, and refuses what no view can read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; see the class."""
        refusal = unreadable(request)
        if refusal is not None:
            return problem_response(refusal) if speaks_problems(request) else HttpResponseBadRequest()
        response = self.get_response(request)
        if response.status_code < 400 or not speaks_problems(request):
            return response
        return _as_problem(response)

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


def unreadable(request: HttpRequest) -> Problem | None:
    """Refuse a NUL in the URL (PostgreSQL's text has none) and a body over the limit, before any view."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return MALFORMED
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.META.get("CONTENT_LENGTH") or "0"
    # DRF reads the stream itself, past Django's own check.
    if limit is not None and length.isascii() and length.isdigit() and int(length[:20]) > limit:
        return TOO_LARGE
    return None


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
