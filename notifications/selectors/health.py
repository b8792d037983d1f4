"""How the e-mail channel does: figures of an hour, a day and a week, by hour and by template, and what alarms."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Func, IntegerField, Min, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Extract, Mod, TruncHour
from django.db.models.lookups import Exact

from notifications.models import EmailChannel, EmailMessage, EmailStatus, EmailSuppression
from notifications.selectors.outbox import percentile

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
_SPANS: Final = (("hour", "Last hour", HOUR), ("day", "Last 24 hours", DAY), ("week", "Last 7 days", WEEK))
_TEMPLATES: Final = 50
# A complaint is one about something that arrived.
_ARRIVED: Final = Q(status__in=[EmailStatus.DELIVERED, EmailStatus.COMPLAINED])
_BOUNCED: Final = Q(status=EmailStatus.BOUNCED)
_COMPLAINED: Final = Q(status=EmailStatus.COMPLAINED)
# A week may have a million: counting reads them once, but times are sorted, so those are told from a sample.
_SORTED: Final = 10_000
_PLACE: Final = Func(Cast("id", TextField()), function="hashtext", output_field=IntegerField())
_SECONDS: Final = Extract(F("sent_at") - F("created_at"), "epoch")


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the e-mails that were sent in a span, and of those that ended unsent and were queued in it.

    ``p50`` and ``p90`` are seconds from queued to taken by the provider, of many e-mails those of an even sample;
    None: nothing was sent.
    """

    label: str
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0
    suppressed: int = 0
    p50: float | None = None
    p90: float | None = None

    @property
    def bounce_rate(self) -> float | None:
        """Return the share of what was sent that came back, from 0 to 1; None: nothing was sent."""
        return self.bounced / self.sent if self.sent else None

    @property
    def complaint_rate(self) -> float | None:
        """Return the share of what was sent that was called unwanted; None: nothing was sent."""
        return self.complained / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class HourFigures:
    """What became of the e-mails that were sent in one hour."""

    begins_at: datetime
    sent: int
    delivered: int
    lost: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """A share of the day's e-mails that is too large. ``name`` is that of the line in the log."""

    name: str
    what: str
    rate: float
    limit: float


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """The whole page. ``oldest_queued_seconds`` None: nothing waits."""

    queued: int
    oldest_queued_seconds: float | None
    suppressed_boxes: int
    paused_until: datetime | None
    paused_reason: str
    spans: tuple[Figures, ...]
    hours: tuple[HourFigures, ...]
    templates: tuple[Figures, ...]
    alarms: tuple[Alarm, ...]


def channel_health(*, now: datetime, organization_ids: set[UUID] | None = None) -> ChannelHealth:
    """Return the figures of these organizations' e-mails, or (None) of all. Ten statements, however much there is."""
    emails = _scoped(EmailMessage.objects.order_by(), organization_ids)
    waiting = emails.filter(status=EmailStatus.QUEUED).aggregate(queued=Count("id"), oldest=Min("created_at"))
    channel = EmailChannel.objects.filter(paused_until__gt=now).first()
    boxes = _scoped(EmailSuppression.objects.filter(lifted_at__isnull=True), organization_ids)
    spans = _spans(emails, now)
    oldest = waiting["oldest"]
    return ChannelHealth(
        queued=waiting["queued"],
        oldest_queued_seconds=None if oldest is None else (now - oldest).total_seconds(),
        suppressed_boxes=boxes.count(),
        paused_until=None if channel is None else channel.paused_until,
        paused_reason="" if channel is None else channel.reason,
        spans=spans,
        hours=_hours(emails, now),
        templates=_templates(emails, now),
        alarms=alarms_of(spans[1]),
    )


def figures_of_day(*, now: datetime) -> Figures:
    """Return what became of the last 24 hours' e-mails of everybody, without times. One statement, by one index."""
    sent = EmailMessage.objects.order_by().filter(sent_at__gt=now - DAY)
    found = sent.aggregate(
        sent=Count("id"),
        delivered=Count("id", filter=_ARRIVED),
        bounced=Count("id", filter=_BOUNCED),
        complained=Count("id", filter=_COMPLAINED),
    )
    return Figures("Last 24 hours", **found)


def alarms_of(day: Figures) -> tuple[Alarm, ...]:
    """Return what of a day's figures is too large, once enough was sent for a share to mean something."""
    if day.sent < settings.EMAIL_ALERT_MINIMUM:
        return ()
    shares = (
        ("email_bounce_rate_high", "bounced", day.bounce_rate, settings.EMAIL_BOUNCE_RATE_ALERT),
        ("email_complaint_rate_high", "were called unwanted", day.complaint_rate, settings.EMAIL_COMPLAINT_RATE_ALERT),
    )  # fmt: skip
    return tuple(
        Alarm(name, what, rate, limit)
        for name, what, rate, limit in shares
        if rate is not None and rate > limit
    )


def _scoped(rows: QuerySet[Any], organization_ids: set[UUID] | None) -> QuerySet[Any]:
    return rows if organization_ids is None else rows.filter(organization_id__in=organization_ids)


def _counts(prefix: str, which: Q) -> dict[str, Any]:
    return {
        f"{prefix}sent": Count("id", filter=which),
        f"{prefix}delivered": Count("id", filter=which & _ARRIVED),
        f"{prefix}bounced": Count("id", filter=which & _BOUNCED),
        f"{prefix}complained": Count("id", filter=which & _COMPLAINED),
    }


def _times(prefix: str, which: Q) -> dict[str, Any]:
    return {
        f"{prefix}p50": percentile(0.5, _SECONDS, which),
        f"{prefix}p90": percentile(0.9, _SECONDS, which),
    }


def _sampled(number: int) -> Q:
    """Return what leaves about ``_SORTED`` of so many e-mails, the same at each look; all where there are no more."""
    step = -(-number // _SORTED)
    return Q(Exact(Mod(_PLACE, Value(step)), Value(0))) if step > 1 else Q()


def _unsent(emails: QuerySet[EmailMessage], now: datetime) -> QuerySet[EmailMessage]:
    """Return what ended without being sent, by the indexes of those two states."""
    ended = Q(status=EmailStatus.FAILED) | Q(status=EmailStatus.SUPPRESSED)
    return emails.filter(ended, created_at__gt=now - WEEK)


def _spans(emails: QuerySet[EmailMessage], now: datetime) -> tuple[Figures, ...]:
    aggregates: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    for name, _, length in _SPANS:
        aggregates |= _counts(f"{name}_", Q(sent_at__gt=now - length))
        for status in (EmailStatus.FAILED, EmailStatus.SUPPRESSED):
            ended[f"{name}_{status.value}"] = Count(
                "id", filter=Q(status=status, created_at__gt=now - length)
            )
    sent = emails.filter(sent_at__gt=now - WEEK)
    found = sent.aggregate(**aggregates)
    times: dict[str, Any] = {}
    for name, _, length in _SPANS:
        times |= _times(f"{name}_", Q(sent_at__gt=now - length) & _sampled(found[f"{name}_sent"]))
    found |= sent.aggregate(**times)
    found |= _unsent(emails, now).aggregate(**ended)
    return tuple(
        Figures(
            label,
            **{
                key.removeprefix(f"{name}_"): value
                for key, value in found.items()
                if key.startswith(f"{name}_")
            },
        )
        for name, label, _ in _SPANS
    )


def _hours(emails: QuerySet[EmailMessage], now: datetime) -> tuple[HourFigures, ...]:
    """Return each of the last 24 hours, those in which nothing was sent too."""
    newest = now.replace(minute=0, second=0, microsecond=0)
    first = newest - DAY + HOUR
    rows = (
        emails.filter(sent_at__gte=first)
        .annotate(hour=TruncHour("sent_at"))
        .values("hour")
        .annotate(
            sent=Count("id"),
            delivered=Count("id", filter=_ARRIVED & ~_COMPLAINED),
            lost=Count("id", filter=_BOUNCED | _COMPLAINED),
        )
    )
    found = {
        row["hour"]: HourFigures(row["hour"], row["sent"], row["delivered"], row["lost"]) for row in rows
    }
    begins = [first + number * HOUR for number in reversed(range(24))]
    return tuple(found.get(at, HourFigures(at, 0, 0, 0)) for at in begins)


def _templates(emails: QuerySet[EmailMessage], now: datetime) -> tuple[Figures, ...]:
    """Return the week by template, the most sent first."""
    of_week = emails.filter(sent_at__gt=now - WEEK).values("template")
    sent: QuerySet[Any, Any] = of_week.annotate(**_counts("", Q()))
    # What is seldom sent is told from all of it.
    rare = [row["template"] for row in sent if row["sent"] <= _SORTED]
    most = max((row["sent"] for row in sent), default=0)
    which = Q(template__in=rare) | _sampled(most) if most > _SORTED else Q()
    times: QuerySet[Any, Any] = of_week.annotate(**_times("", which))
    unsent: QuerySet[Any, Any] = _unsent(emails, now).values("template").annotate(
        failed=Count("id", filter=Q(status=EmailStatus.FAILED)),
        suppressed=Count("id", filter=Q(status=EmailStatus.SUPPRESSED)),
    )  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for row in (*sent, *times, *unsent):
        found.setdefault(row.pop("template"), {}).update(row)
    figures = [Figures(name.replace("_", " ").capitalize(), **row) for name, row in found.items()]
    return tuple(sorted(figures, key=lambda one: (-one.sent, one.label))[:_TEMPLATES])
