"""The history of scheduled reports: each time with each person, as the outbox tells it now."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from analytics.models import DeliveryOutcome, ReportDelivery, ReportRun, RunState, ScheduledReport
from notifications.models import EmailStatus

_GONE_OUT = frozenset({EmailStatus.SENT, EmailStatus.DELIVERED, EmailStatus.COMPLAINED})
_TROUBLES = frozenset(
    {
        EmailStatus.FAILED,
        EmailStatus.BOUNCED,
        EmailStatus.COMPLAINED,
        EmailStatus.SUPPRESSED,
        EmailStatus.CANCELLED,
    }
)
# What went out is told more closely than by the run's own state.
_SENT, _IN_PART, _NOT_SENT = "Sent", "Not sent to all", "Not sent"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One person at one time: what became of their e-mail, or why there is none."""

    address: str
    status: str
    detail: str
    is_trouble: bool
    email_id: UUID | None


@dataclass(frozen=True, slots=True)
class Told:
    """One time of a report, in words."""

    run: ReportRun
    status: str
    deliveries: tuple[Delivered, ...]

    @property
    def is_trouble(self) -> bool:
        """Say whether somebody should look at it."""
        return self.run.state == RunState.FAILED or any(one.is_trouble for one in self.deliveries)


def runs_of(report: ScheduledReport) -> QuerySet[ReportRun]:
    """Return a report's runs, the newest first, with what was done for each person. Two statements."""
    deliveries = ReportDelivery.objects.select_related("email")
    deliveries = deliveries.defer("email__text_body", "email__html_body").order_by("address")
    runs = ReportRun.objects.filter(report=report).select_related("requested_by")
    return runs.prefetch_related(Prefetch("deliveries", queryset=deliveries)).order_by("-due_at", "-pk")


def told(run: ReportRun) -> Told:
    """Say how a run stands. No statement for those of ``runs_of``."""
    deliveries = tuple(_delivered(one) for one in run.deliveries.all())
    return Told(run, _status(run), deliveries)


def _status(run: ReportRun) -> str:
    if run.state != RunState.QUEUED:
        return str(RunState(run.state).label)
    statuses = [EmailStatus(one.email.status) for one in run.deliveries.all() if one.email is not None]
    if EmailStatus.QUEUED in statuses:
        return str(RunState.QUEUED.label)
    out = sum(one in _GONE_OUT for one in statuses)
    return _SENT if statuses and out == len(statuses) else _IN_PART if out else _NOT_SENT


def _delivered(delivery: ReportDelivery) -> Delivered:
    if delivery.email is None:
        return Delivered(delivery.address, str(DeliveryOutcome(delivery.outcome).label), "", False, None)
    email = delivery.email
    status = EmailStatus(email.status)
    return Delivered(delivery.address, str(status.label), email.last_error, status in _TROUBLES, email.pk)
