"""What Prometheus is told about calls to Stripe, each with its retries counted once."""

from enum import Enum

from prometheus_client import Counter, Histogram

_CALLS = Counter("marquee_stripe_calls_total", "Calls to Stripe, by what they came to", ["outcome"])
_SECONDS = Histogram(
    "marquee_stripe_call_seconds",
    "How long Stripe took, retries included",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20),
)


class CallOutcome(Enum):
    """What a call came to."""

    ANSWERED = "answered"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    FAILED = "failed"
    # Not sent: the breaker is open.
    KEPT_AWAY = "kept_away"


# Each is there from the start: of a count that begins with its first failure Prometheus sees no rise.
for _outcome in CallOutcome:
    _CALLS.labels(_outcome.value)


def called(outcome: CallOutcome, seconds: float) -> None:
    """Count a call that was sent and took so many seconds."""
    _CALLS.labels(outcome.value).inc()
    _SECONDS.observe(seconds)


def kept_away() -> None:
    """Count a call that was not sent."""
    _CALLS.labels(CallOutcome.KEPT_AWAY.value).inc()
