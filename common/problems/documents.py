"""The shape of an error answer, on HTTP and on GraphQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import JsonResponse

from common.errors import Failure, FieldError, Kind
from common.requests import current_request_id

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:marquee:"

_STATUS = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.MISMATCH: 422,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}
_SNAKE = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def status_of(kind: Kind) -> int:
    """Return HTTP's word for this sort of refusal."""
    return _STATUS[kind]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer before it is written down: HTTP status, RFC 9457 members, headers."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retryable: bool | None = None
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, failure: Failure) -> "Problem":
        """Describe a failure of our own."""
        return cls(
            status=status_of(failure.kind),
            code=failure.code,
            title=failure.title,
            detail=failure.detail,
            errors=failure.errors,
            retryable=failure.retryable,
            retry_after=failure.retry_after,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the RFC 9457 document.

        ``retryable`` and ``retry_after`` (seconds) only where they are known.
        """
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in self.errors],
            "request_id": current_request_id(),
        }
        if self.retryable is not None:
            body["retryable"] = self.retryable
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body

    def as_extensions(self) -> dict[str, Any]:
        """Return a GraphQL error's ``extensions``; field names in camelCase, as the caller wrote them."""
        body: dict[str, Any] = {
            "code": self.code,
            "errors": [
                {"field": camel_case(e.field), "code": e.code, "message": e.message} for e in self.errors
            ],
            "request_id": current_request_id(),
        }
        if self.retryable is not None:
            body["retryable"] = self.retryable
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body


def camel_case(name: str) -> str:
    """Return a field's name as GraphQL has it: ``events[2].entity_id`` becomes ``events[2].entityId``."""
    return _SNAKE.sub(lambda match: match.group(1).upper(), name)


def document(failure: Failure) -> dict[str, Any]:
    """Return the problem document of a failure, with the current request's id."""
    return Problem.of(failure).as_json()


def extensions(failure: Failure) -> dict[str, Any]:
    """Return the GraphQL ``extensions`` of a failure."""
    return Problem.of(failure).as_extensions()


def problem_response(problem: Problem | Failure) -> JsonResponse:
    """Answer with a problem: 401 names the scheme, 429 and 503 say when to come again where it is known."""
    if isinstance(problem, Failure):
        problem = Problem.of(problem)
    response = JsonResponse(problem.as_json(), status=problem.status, content_type=CONTENT_TYPE)
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    for name, value in problem.headers.items():
        response[name] = value
    # Errors describe one moment and one caller.
    response["Cache-Control"] = "no-store"
    return response
