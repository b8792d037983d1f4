"""Small values that every room passes around."""

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final
from uuid import UUID

from common.errors import FieldError


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user, nobody (``ANONYMOUS``), or the system itself (``SYSTEM``)."""

    user_id: UUID | None
    label: str
    is_superuser: bool = False
    is_system: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Say whether a person is behind it."""
        return self.user_id is not None


ANONYMOUS = Actor(user_id=None, label="anonymous")
SYSTEM = Actor(user_id=None, label="system", is_system=True)


class Unset(Enum):
    """The mark of what somebody did not say, where null means something else."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What a caller says of a thing, of which they need not name each field: those are ``UNSET`` by default.

    ``unreadable``: what had not its shape, so that it is refused together with what the rules refuse.
    """

    unreadable: tuple[FieldError, ...] = ()

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller named."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.default is UNSET}
        return {name: value for name, value in values.items() if value is not UNSET}
