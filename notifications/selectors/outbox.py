"""What was written about a thing, how far it got, and the figures above the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import (
    Aggregate,
    Count,
    DateTimeField,
    F,
    FloatField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat, Extract

from common.models import Job
from common.outbox.types import JobStatus
from notifications.models import EmailAttempt, EmailChannel, EmailMessage, EmailStatus

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EmailHealth:
    """The channel in figures. ``p50`` and ``p95`` are seconds from queued to sent, of the last hour's; None: none."""

    queued: int
    oldest_queued_seconds: float | None
    sent_last_hour: int
    failed_last_day: int
    p50: float | None
    p95: float | None
    paused_until: datetime | None
    paused_reason: str = ""


def emails_about(about_type: str, about_id: UUID) -> QuerySet[EmailMessage]:
    """Return what was written about a thing (``"order"``, its id), oldest first, without the bodies."""
    emails = EmailMessage.objects.filter(about_type=about_type, about_id=about_id)
    return emails.defer("text_body", "html_body").order_by("created_at", "id")


def with_progress(emails: QuerySet[EmailMessage]) -> QuerySet[EmailMessage]:
    """Add ``attempt_count`` and ``next_attempt_at`` (None: nothing is due), in the same statement."""
    attempts = EmailAttempt.objects.filter(message=OuterRef("pk")).order_by().values("message")
    job = Job.objects.filter(
        dedupe_key=Concat(Value("email:"), Cast(OuterRef("pk"), TextField())),
        status__in=[JobStatus.PENDING, JobStatus.RUNNING],
    )
    return emails.annotate(
        attempt_count=Coalesce(Subquery(attempts.annotate(n=Count("id")).values("n")), 0),
        next_attempt_at=Subquery(job.values("run_at")[:1], output_field=DateTimeField()),
    )


def email_health(*, now: datetime, organization_ids: set[UUID] | None = None) -> EmailHealth:
    """Return the channel's figures, of these organizations only or (None) of all. Three statements."""
    emails = EmailMessage.objects.order_by()
    if organization_ids is not None:
        emails = emails.filter(organization_id__in=organization_ids)
    waiting = emails.filter(status=EmailStatus.QUEUED).aggregate(queued=Count("id"), oldest=Min("created_at"))
    recent = emails.filter(
        Q(sent_at__gt=now - _HOUR) | Q(status=EmailStatus.FAILED, created_at__gt=now - _DAY)
    )
    is_sent = Q(sent_at__gt=now - _HOUR)
    seconds = Extract(F("sent_at") - F("created_at"), "epoch")
    figures = recent.aggregate(
        sent=Count("id", filter=is_sent),
        failed=Count("id", filter=Q(status=EmailStatus.FAILED, created_at__gt=now - _DAY)),
        p50=percentile(0.5, seconds, is_sent),
        p95=percentile(0.95, seconds, is_sent),
    )
    oldest = waiting["oldest"]
    channel = EmailChannel.objects.filter(paused_until__gt=now).first()
    return EmailHealth(
        queued=waiting["queued"],
        oldest_queued_seconds=(now - oldest).total_seconds() if oldest else None,
        sent_last_hour=figures["sent"],
        failed_last_day=figures["failed"],
        p50=figures["p50"],
        p95=figures["p95"],
        paused_until=None if channel is None else channel.paused_until,
        paused_reason="" if channel is None else channel.reason,
    )


class _Percentile(Aggregate):
    """PostgreSQL's ``percentile_cont``: the value below which this share of the rows lies."""

    function = "percentile_cont"
    template = "percentile_cont(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()
    allow_distinct = False


def percentile(share: float, value: Extract, which: Q) -> Aggregate:
    """Return the value below which this share of the rows lies; None for no rows."""
    return _Percentile(value, filter=which, share=share)
