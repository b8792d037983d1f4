"""What other libraries raise, said in our words: Django's, DRF's and the database's exceptions."""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from common.db import lost_race, sqlstate_of
from common.errors import (
    Busy,
    Failure,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from common.problems.documents import Problem

# Django, DRF and GraphQL each have a word for "the whole object".
_WHOLE_OBJECT = frozenset({"non_field_errors", "__all__"})
# PostgreSQL: query_canceled, here by statement_timeout.
_QUERY_CANCELED = "57014"

_log = logging.getLogger(__name__)

MALFORMED = Problem(400, "malformed", "The request could not be read", "The request could not be read")
UNKNOWN_HOST = Problem(
    400, "malformed", MALFORMED.title, "The Host header names no host that is served here."
)
TOO_LARGE = Problem(413, "too_large", "The request is too large", "The request is too large")
INTERNAL = Problem(
    500,
    "internal_error",
    "Something went wrong on our side",
    "Something went wrong on our side; it was recorded.",
)
DATABASE_AWAY = Problem(
    503,
    "unavailable",
    "The service is not available",
    "Please try again in a moment.",
    retryable=True,
    retry_after=2,
)


def problem_of(error: BaseException) -> Problem | None:
    """Return the answer for an exception, or None when it is a defect of ours (answered 500, logged).

    What the infrastructure did to us (a database that is away) is logged with its trace; refusals are not.
    """
    problem = _translated(error)
    if problem is not None and problem.status >= 500 and not isinstance(error, Failure):
        _log.warning("answered %s: %s", problem.code, error, exc_info=error)
    return problem


def _translated(error: BaseException) -> Problem | None:
    if isinstance(error, Failure):
        return Problem.of(error)
    if isinstance(error, drf.APIException):
        return _of_drf(error)
    if isinstance(error, DataError | OperationalError | InterfaceError):
        return _of_database(error)
    return _of_django(error)


def _of_django(error: BaseException) -> Problem | None:
    match error:
        case ModelValidationError():
            return Problem.of(Invalid(errors=list(_model_errors(error))))
        case Http404():
            return Problem.of(NotFound())
        case PermissionDenied():
            return Problem.of(Forbidden())
        case RequestDataTooBig():
            return TOO_LARGE
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return MALFORMED
        case UnicodeEncodeError() if error.reason == "surrogates not allowed":
            # A lone surrogate cannot be written as UTF-8; serializers refuse it by field, this is the net
            # under them.
            return MALFORMED
        case _:
            return None


def _of_database(error: DataError | OperationalError | InterfaceError) -> Problem | None:
    """A value that PostgreSQL cannot hold is the caller's.

    A lost race or a database that is away may be retried.
    """
    if isinstance(error, DataError):
        return MALFORMED
    if isinstance(error, OperationalError) and (lost_race(error) or sqlstate_of(error) == _QUERY_CANCELED):
        return Problem.of(Busy(retry_after=1))
    return DATABASE_AWAY


def _of_drf(error: drf.APIException) -> Problem:
    match error:
        case drf.ValidationError():
            return Problem.of(Invalid(errors=list(_flatten(error.detail, ""))))
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return Problem.of(Unauthenticated(_sentence(error)))
        case drf.PermissionDenied():
            return Problem.of(Forbidden(_sentence(error)))
        case drf.NotFound():
            return Problem.of(NotFound())
        case drf.Throttled():
            return Problem.of(RateLimited(retry_after=_seconds(getattr(error, "wait", None))))
        case drf.ParseError():
            return Problem(400, MALFORMED.code, MALFORMED.title, _sentence(error))
        case _:
            return _of_drf_protocol(error)


def _of_drf_protocol(error: drf.APIException) -> Problem:
    code = str(error.default_code)
    titles = {
        "method_not_allowed": "This method is not allowed here",
        "not_acceptable": "None of the accepted formats is available",
        "unsupported_media_type": "The body's media type is not supported",
    }
    return Problem(
        error.status_code, code, titles.get(code, code.replace("_", " ").capitalize()), _sentence(error)
    )


def _seconds(wait: float | None) -> int | None:
    return None if wait is None else max(1, math.ceil(wait))


def _sentence(error: drf.APIException) -> str:
    return str(error.detail) if isinstance(error.detail, str) else str(error.default_detail)


def _flatten(detail: Any, path: str) -> Iterator[FieldError]:
    """Walk DRF's nested errors; names come out dotted and indexed: ``events[2].id``."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from _flatten(value, _join(path, key))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from _flatten(value, f"{path}[{index}]" if nested else path)
    else:
        yield FieldError(path, str(getattr(detail, "code", None) or "invalid"), str(detail))


def _join(path: str, key: object) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = "" if key in _WHOLE_OBJECT else str(key)
    return f"{path}.{name}" if path and name else path or name


def _model_errors(error: ModelValidationError) -> Iterator[FieldError]:
    by_field = error.error_dict if hasattr(error, "error_dict") else {"__all__": error.error_list}
    for name, errors in by_field.items():
        for one in errors:
            for message in one.messages:
                yield FieldError("" if name in _WHOLE_OBJECT else name, one.code or "invalid", message)
