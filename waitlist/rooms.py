"""Who may listen to a session's queue: its counts say nothing about anybody."""

from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services.access import actor_of
from events.selectors import visible_session


def may_watch(user: User, session_id: UUID, _now: datetime) -> None:
    """Allow whoever sees the session's event. Raises ``NotFound``."""
    visible_session(actor_of(user), session_id)
