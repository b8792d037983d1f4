"""Small values that every room passes around."""

from dataclasses import dataclass
from uuid import UUID


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
