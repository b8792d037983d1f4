"""Reading a body so that what has no shape is refused together with what breaks a rule, in one answer."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework import serializers

from common.errors import FieldError, Invalid, besides
from common.problems import problem_of
from common.rest.serializers import StrictSerializer


class ReadBody(NamedTuple):
    """The fields of a body that have their shape, read, and an error for each that has not."""

    said: dict[str, Any]
    unreadable: tuple[FieldError, ...]


def read_body(kind: type[StrictSerializer], data: Any) -> ReadBody:
    """Read what can be read of a body: the service refuses the rest, beside what its rules refuse.

    The service must be handed ``unreadable``: a body with such errors is never carried out. Raises ``Invalid`` for
    what is no object.
    """
    body = kind(data=data)
    if body.is_valid():
        return ReadBody(dict(body.validated_data), ())
    problem = problem_of(serializers.ValidationError(body.errors))
    errors = () if problem is None else problem.errors
    if not isinstance(data, Mapping):
        raise Invalid(errors=errors)
    wrong = {error.outermost for error in errors}
    rest = kind(
        data={name: value for name, value in data.items() if name in body.fields and name not in wrong}
    )
    for name in wrong & set(rest.fields):
        del rest.fields[name]  # a required one is told already
    rest.is_valid(raise_exception=True)
    return ReadBody(dict(rest.validated_data), errors)


def event_named(read: ReadBody) -> UUID:
    """Take out of a body the event that it names. Raises ``Invalid``, with what is unreadable, where it names none."""
    event_id: UUID | None = read.said.pop("event_id", None)
    if event_id is None:
        missing = FieldError("event_id", "required", "Name an event.")
        raise Invalid(errors=besides(read.unreadable, [missing]))
    return event_id
