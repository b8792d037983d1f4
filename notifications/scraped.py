"""What the metrics say of e-mail when they are asked: what waits, whether it is paused, and the day's shares."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import structlog
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common import clock
from notifications.selectors import EmailHealth, email_health
from notifications.selectors.health import Figures, figures_of_day

KEPT_SECONDS = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    channel: EmailHealth
    day: Figures


class EmailCollector(Collector):
    """Looks at the outbox when it is asked, by four statements a minute at most.

    Without a database it says nothing of e-mail, so that the other figures still arrive.
    """

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._look: tuple[float, _Look] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the channel's state; a share of nothing is not a number."""
        look = self._latest()
        if look is None:
            return
        channel, day = look.channel, look.day
        paused = 0 if channel.paused_until is None else 1
        yield GaugeMetricFamily("marquee_email_queued", "E-mails that wait", value=channel.queued)
        yield GaugeMetricFamily(
            "marquee_email_oldest_queued_seconds",
            "For how long the oldest e-mail has waited",
            value=channel.oldest_queued_seconds or 0,
        )
        yield GaugeMetricFamily("marquee_email_paused", "1 while no e-mail goes out", value=paused)
        yield GaugeMetricFamily(
            "marquee_email_bounce_rate", "Share of a day's e-mails that bounced", value=_told(day.bounce_rate)
        )
        yield GaugeMetricFamily(
            "marquee_email_complaint_rate",
            "Share of a day's e-mails that were called unwanted",
            value=_told(day.complaint_rate),
        )

    def _latest(self) -> _Look | None:
        at = time.monotonic()
        if self._look is None or at - self._look[0] >= self._kept_seconds:
            now = clock.now()
            try:
                self._look = (at, _Look(email_health(now=now), figures_of_day(now=now)))
            except DatabaseError as error:
                _log.warning("email_metrics_unreadable", error=type(error).__name__)
                connection.close()
                return None
        return self._look[1]


def _told(share: float | None) -> float:
    """Return a share as Prometheus takes it: one of nothing is not a number."""
    return nan if share is None else share
