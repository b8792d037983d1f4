"""What Prometheus is told about e-mail."""

from datetime import datetime

from prometheus_client import Counter, Histogram

from notifications.models import AttemptOutcome, EmailEventKind, EmailMessage

_ATTEMPTS = Counter(
    "marquee_email_attempts_total", "E-mails handed to the provider, by how it ended", ["outcome"]
)
_SECONDS = Histogram(
    "marquee_email_seconds_to_send",
    "From queued to accepted by the provider",
    ["lane"],
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600),
)
_EVENTS = Counter("marquee_email_events_total", "What the provider told of e-mails", ["kind"])
_SUPPRESSED = Counter(
    "marquee_email_suppressed_total", "E-mails that were held back, because their box is not written to"
)


def observe(message: EmailMessage, outcome: AttemptOutcome, now: datetime) -> None:
    """Count an attempt, and how long the e-mail had waited when it was accepted."""
    _ATTEMPTS.labels(outcome.value).inc()
    if outcome == AttemptOutcome.SENT:
        waited = max(0.0, (now - message.created_at).total_seconds())
        _SECONDS.labels("urgent" if message.is_urgent else "bulk").observe(waited)


def count_event(kind: EmailEventKind) -> None:
    """Count an event of the provider."""
    _EVENTS.labels(kind.value).inc()


def count_suppressed(number: int) -> None:
    """Count e-mails that were held back."""
    _SUPPRESSED.inc(number)
