"""Reads of the push channel."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, F, Min, Q, QuerySet, When

from notifications.models import PushCampaign, PushChannel, PushMessage, PushPart, PushProvider, PushStatus
from notifications.pushing import parts

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """How far the written messages of a campaign got. Opened ones count as delivered, delivered ones as sent.

    One that went out in a summary is where the summary is. Those that were forgotten since are in them.
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
    """A provider, or a part of one, that is not written to just now."""

    provider: PushProvider
    title: str
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
    """Return each campaign's figures, by two statements."""
    now = counted(PushMessage.objects.filter(campaign_id__in=campaign_ids))
    kept = dict(_kept(campaign_ids))
    none = CampaignFigures()
    return {one: _sum(now.get(one, none), kept.get(one, none)) for one in campaign_ids}


def counted(messages: QuerySet[PushMessage]) -> dict[UUID, CampaignFigures]:
    """Return the figures of messages by campaign; messages of none are left out. One statement."""
    shown = Case(When(status=PushStatus.GROUPED, then=F("summary__status")), default=F("status"))
    rows = messages.filter(campaign__isnull=False).order_by().annotate(shown=shown)
    counts: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for campaign_id, status, count in rows.values_list("campaign_id", "shown").annotate(n=Count("id")):
        counts[campaign_id][status or PushStatus.SENT.value] += count
    return {one: _figures(of) for one, of in counts.items()}


def push_health(*, now: datetime, organization_ids: set[UUID] | None = None) -> PushHealth:
    """Return the channel's figures, of these organizations only or (None) of all. Four statements."""
    messages = PushMessage.objects.order_by()
    if organization_ids is not None:
        messages = messages.filter(organization_id__in=organization_ids)
    due = messages.filter(status=PushStatus.QUEUED).aggregate(queued=Count("id"), oldest=Min("created_at"))
    is_sent = Q(sent_at__gt=now - _HOUR)
    has_failed = Q(status=PushStatus.FAILED, created_at__gt=now - _DAY)
    recent = messages.filter(is_sent | has_failed).aggregate(
        sent=Count("id", filter=is_sent), failed=Count("id", filter=has_failed)
    )
    return PushHealth(due["queued"], due["oldest"], recent["sent"], recent["failed"], _pauses(now))


def paused_names(now: datetime) -> list[str]:
    """Return the names of what is paused: providers, and parts of them. Two statements."""
    providers = PushChannel.objects.filter(paused_until__gt=now).order_by("provider")
    parts_ = PushPart.objects.filter(paused_until__gt=now).order_by("name")
    return [*providers.values_list("provider", flat=True), *parts_.values_list("name", flat=True)]


def _pauses(now: datetime) -> tuple[Pause, ...]:
    providers = PushChannel.objects.filter(paused_until__gt=now).order_by("provider")
    found = list(providers.values_list("provider", "paused_until", "reason"))
    of_parts = PushPart.objects.filter(paused_until__gt=now).order_by("name")
    found += of_parts.values_list("name", "paused_until", "reason")
    return tuple(
        Pause(PushProvider(name.partition(":")[0]), parts.title(name), until, reason)
        for name, until, reason in found
        if until is not None
    )


def _kept(campaign_ids: Collection[UUID]) -> Iterator[tuple[UUID, CampaignFigures]]:
    for one in PushCampaign.objects.filter(id__in=campaign_ids):
        yield (
            one.id,
            CampaignFigures(
                sent=one.kept_sent,
                delivered=one.kept_delivered,
                opened=one.kept_opened,
                failed=one.kept_failed,
                suppressed=one.kept_suppressed,
                cancelled=one.kept_cancelled,
            ),
        )


def _sum(one: CampaignFigures, other: CampaignFigures) -> CampaignFigures:
    return CampaignFigures(**{name: count + getattr(other, name) for name, count in asdict(one).items()})


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
