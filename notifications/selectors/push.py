"""Reads of the push channel."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, F, Min, Q, When

from notifications.models import PushChannel, PushMessage, PushProvider, PushStatus

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """How far the written messages of a campaign got. Opened ones count as delivered, delivered ones as sent.

    One that went out in a summary is where the summary is.
    """

    queued: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """A provider that is not written to just now."""

    provider: PushProvider
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PushHealth:
    """The channel in figures."""

    queued: int
    oldest_queued_at: datetime | None
    sent_last_hour: int
    failed_last_day: int
    pauses: tuple[Pause, ...]


def figures_of(campaign_ids: Collection[UUID]) -> dict[UUID, CampaignFigures]:
    """Return each campaign's figures, by one statement."""
    shown = Case(When(status=PushStatus.GROUPED, then=F("summary__status")), default=F("status"))
    rows = PushMessage.objects.filter(campaign_id__in=campaign_ids).order_by().annotate(shown=shown)
    counted: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for campaign_id, status, count in rows.values_list("campaign_id", "shown").annotate(n=Count("id")):
        counted[campaign_id][status or PushStatus.SENT.value] += count
    return {one: _figures(counted[one]) for one in campaign_ids}


def push_health(*, now: datetime, organization_ids: set[UUID] | None = None) -> PushHealth:
    """Return the channel's figures, of these organizations only or (None) of all. Three statements."""
    messages = PushMessage.objects.order_by()
    if organization_ids is not None:
        messages = messages.filter(organization_id__in=organization_ids)
    due = messages.filter(status=PushStatus.QUEUED).aggregate(queued=Count("id"), oldest=Min("created_at"))
    is_sent = Q(sent_at__gt=now - _HOUR)
    has_failed = Q(status=PushStatus.FAILED, created_at__gt=now - _DAY)
    recent = messages.filter(is_sent | has_failed).aggregate(
        sent=Count("id", filter=is_sent), failed=Count("id", filter=has_failed)
    )
    paused = PushChannel.objects.filter(paused_until__gt=now).order_by("provider")
    pauses = tuple(
        Pause(PushProvider(one.provider), one.paused_until, one.reason)
        for one in paused
        if one.paused_until is not None
    )
    return PushHealth(due["queued"], due["oldest"], recent["sent"], recent["failed"], pauses)


def _figures(of: dict[str, int]) -> CampaignFigures:
    opened = of[PushStatus.OPENED]
    delivered = opened + of[PushStatus.DELIVERED]
    return CampaignFigures(
        queued=of[PushStatus.QUEUED] + of[PushStatus.HELD],
        sent=delivered + of[PushStatus.SENT],
        delivered=delivered,
        opened=opened,
        failed=of[PushStatus.FAILED],
        suppressed=of[PushStatus.SUPPRESSED],
        cancelled=of[PushStatus.CANCELLED],
    )
