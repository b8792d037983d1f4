"""Named failures. A service raises one; ``common.problems`` turns it into an answer for each door.

A failure knows its ``code`` (which callers rely on) and its ``kind`` (what sort of refusal it is); it knows
neither HTTP nor GraphQL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of refusal this is; each door has its own word for it."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    MISMATCH = "mismatch"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was wrong: its name as the caller wrote it (snake_case), a code, a sentence."""

    field: str
    code: str
    message: str

    @property
    def outermost(self) -> str:
        """Return the field of the body that it stands in: ``events`` of ``events[2].id``."""
        return outermost(self.field)


def outermost(name: str) -> str:
    """Return the field of the body that a dotted and indexed name lies in: ``events`` of ``events[2].id``."""
    return name.partition("[")[0].partition(".")[0]


def besides(unreadable: Iterable[FieldError], found: Iterable[FieldError]) -> list[FieldError]:
    """Return what could not be read, then what else was found wrong, each field once.

    What could not be read is told alone: whatever is found of it, or inside it, is judged on a value that nobody gave.
    """
    errors = list(unreadable)
    told = {error.outermost for error in errors}
    for error in found:
        if told.isdisjoint({error.field, error.outermost}):
            errors.append(error)
            told.add(error.field)
    return errors


class Failure(Exception):
    """Something that a caller did or met, with a code that callers rely on.

    ``retryable`` says that the same call may succeed later; ``retry_after`` is in seconds.
    """

    code: ClassVar[str] = "failure"
    kind: ClassVar[Kind] = Kind.MALFORMED
    title: ClassVar[str] = "The request could not be carried out"
    retryable: bool | None = None

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retryable: bool | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.detail = detail or self.title
        self.errors = tuple(errors)
        if retryable is not None:
            self.retryable = retryable
        self.retry_after = retry_after
        super().__init__(self.detail)


class Invalid(Failure):
    """One or more fields are wrong; ``errors`` names each."""

    code = "invalid"
    title = "Some fields are not valid"

    @classmethod
    def field(cls, field: str, code: str, message: str) -> "Invalid":
        """Build the failure for a single field."""
        return cls(errors=[FieldError(field, code, message)])


class NotFound(Failure):
    """It is not there, or it is not yours: the two are not told apart."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    title = "Not found"


class Forbidden(Failure):
    """You belong to the organization, but your role does not allow this."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
    title = "Your role does not allow this"


class Unauthenticated(Failure):
    """No token, or one that is wrong, expired or revoked."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED
    title = "Sign in first"


class Conflict(Failure):
    """The state of things does not allow it now."""

    code = "conflict"
    kind = Kind.CONFLICT
    title = "The current state does not allow this"


class RateLimited(Failure):
    """Too many calls; ``retry_after`` says when the next one may come."""

    code = "rate_limited"
    kind = Kind.TOO_MANY
    title = "Too many requests"
    retryable = True


class Busy(Failure):
    """A lock could not be had in time, after the retries. Nothing was changed."""

    code = "busy"
    kind = Kind.UNAVAILABLE
    title = "The system is busy, please try again"
    retryable = True
