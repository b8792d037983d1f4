"""Who may listen to a sponsor's leads."""

from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services.access import actor_of
from ads.selectors.sponsors import sponsor_with_leads


def may_listen(user: User, sponsor_id: UUID, _now: datetime) -> None:
    """Allow the sponsor's people and the organizer's staff. Raises ``NotFound``, ``Forbidden``."""
    sponsor_with_leads(actor_of(user), sponsor_id)
