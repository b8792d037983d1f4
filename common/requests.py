"""The id of a request, in, out and in every log line, and the access log.

The id travels in a context variable: whatever runs for the request, or for the job that the request began,
reads it with ``current_request_id`` and logs it without being handed it.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

HEADER = "X-Request-ID"

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/static/")
_current: ContextVar[str] = ContextVar("request_id", default="")
_access = structlog.stdlib.get_logger("access")


def current_request_id() -> str:
    """Return the id of the request or job that runs now; empty outside of one."""
    return _current.get()


def bind(**ids: Any) -> None:
    """Add ids (order, offer, event, user) to every further log line of this request or job.

    Outside of one nothing is added: nothing would take it off again.
    """
    if not _current.get():
        return
    structlog.contextvars.bind_contextvars(**{name: str(value) for name, value in ids.items()})


@contextmanager
def tracing(trace_id: str, **ids: Any) -> Iterator[str]:
    """Run a block (a job, a task) under a trace id, given or new, with ids for its log lines.

    What was bound before is bound again afterwards.
    """
    request_id = accepted_id(trace_id) or new_id()
    before = structlog.contextvars.get_contextvars()
    token = _current.set(request_id)
    if before:
        structlog.contextvars.clear_contextvars()
    bind(request_id=request_id, **ids)
    try:
        yield request_id
    finally:
        _current.reset(token)
        structlog.contextvars.clear_contextvars()
        if before:
            structlog.contextvars.bind_contextvars(**before)


@contextmanager
def continuing(trace_id: str, **ids: Any) -> Iterator[None]:
    """Run a block under the id of the request that began what goes on here, as far as there is one.

    What is logged and begun in it is found by that id, and logged besides by the one it came by (``came_by``).
    """
    began, came_by = accepted_id(trace_id), current_request_id()
    if began and began != came_by:
        ids |= {"request_id": began, "came_by": came_by}
    token = _current.set(began or came_by)
    try:
        with structlog.contextvars.bound_contextvars(**{name: str(value) for name, value in ids.items()}):
            yield
    finally:
        _current.reset(token)


def new_id() -> str:
    """Return a fresh request id."""
    return uuid.uuid4().hex


def accepted_id(given: str) -> str:
    """Return the caller's id when it is sane (1 to 128 letters, digits, ``._:-``), else an empty string."""
    return given if _SANE.fullmatch(given) else ""


class RequestIdMiddleware:
    """Outermost: gives each request its id, answers it back on errors and static files too, logs one line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under its id."""
        started = time.perf_counter()
        with tracing(request.headers.get(HEADER, "")) as request_id:
            response = self.get_response(request)
            response[HEADER] = request_id
            _log_access(request, response, started)
            # Django would log a second line for it, outside of here and so without the id.
            response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def _log_access(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
    # The path alone: query strings carry tokens.
    _access.log(
        _level(request, response),
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
        user_id=_user_id(request),
    )


def _level(request: HttpRequest, response: HttpResponseBase) -> int:
    if response.status_code >= 500:
        return logging.ERROR
    return logging.DEBUG if request.path.startswith(_QUIET_PATHS) else logging.INFO


def _user_id(request: HttpRequest) -> str | None:
    """Name the user when somebody already asked who it is; logging alone must not query for a session."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    user = user or request.__dict__.get("user_account")
    key = getattr(user, "pk", None)
    return None if key is None else str(key)
