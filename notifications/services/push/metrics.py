"""What Prometheus is told about push."""

from datetime import datetime
from typing import Final

from prometheus_client import Counter, Histogram

from notifications.models import PushMessage
from notifications.pushing.types import Outcome

_ATTEMPTS: Final = Counter(
    "marquee_push_attempts_total",
    "Messages handed to a push provider, by how it ended",
    ["provider", "outcome"],
)
_SECONDS: Final = Histogram(
    "marquee_push_seconds_to_send",
    "From queued, or the end of quiet hours, to accepted by the first provider",
    ["lane"],
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600),
)
_RECEIPTS: Final = Counter(
    "marquee_push_receipts_total", "What devices told of messages that were new", ["event"]
)
_SWITCHED_OFF: Final = Counter(
    "marquee_push_devices_switched_off_total", "Devices that were switched off, by why", ["reason"]
)
_PAUSES: Final = Counter("marquee_push_pauses_total", "Times that a push provider was paused", ["provider"])


def attempt(provider: str, outcome: Outcome) -> None:
    """Count an attempt."""
    _ATTEMPTS.labels(provider, outcome.value).inc()


def sent(message: PushMessage, now: datetime) -> None:
    """Measure how long a message had waited that could have gone out."""
    since = max(message.created_at, message.not_before or message.created_at)
    lane = "urgent" if message.is_urgent else "bulk"
    _SECONDS.labels(lane).observe(max(0.0, (now - since).total_seconds()))


def receipts(event: str, count: int) -> None:
    """Count what devices told."""
    _RECEIPTS.labels(event).inc(count)


def switched_off(reason: str, count: int = 1) -> None:
    """Count devices that were switched off."""
    _SWITCHED_OFF.labels(reason).inc(count)


def paused(provider: str) -> None:
    """Count a pause."""
    _PAUSES.labels(provider).inc()
