"""Named filters of ads."""

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from ads.models.ads import Ad  # noqa: F401


class AdQuerySet(models.QuerySet["Ad"]):
    """Ads, by what may be shown."""

    def kept(self) -> Self:
        """Ads that are not archived."""
        return self.filter(is_archived=False)

    def switched_on(self) -> Self:
        """Ads that nobody paused or archived."""
        return self.kept().filter(is_active=True)

    def shown_at(self, now: datetime) -> Self:
        """Ads that are switched on and whose schedule holds ``now``: ``[starts_at, ends_at)``."""
        return self.switched_on().filter(
            Q(starts_at__isnull=True) | Q(starts_at__lte=now), Q(ends_at__isnull=True) | Q(ends_at__gt=now)
        )

    def aimed_at(self, session_id: UUID | None) -> Self:
        """Ads for a session: those for everywhere, and those that name it."""
        everywhere = Q(target_sessions=[])
        return self.filter(
            everywhere if session_id is None else everywhere | Q(target_sessions__contains=[session_id])
        )
