"""What Prometheus is told about the figures of events: how old those were that people looked at, and what waits."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from django.db.models import Max, Min
from prometheus_client import Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from analytics.models import DirtyDay, Refresh
from common import clock

# The promise is five minutes.
_AGES = Histogram(
    "marquee_analytics_look_age_seconds",
    "How old the figures of an event were when somebody looked",
    buckets=(1, 60, 120, 300, 600, 1_800, 3_600, 86_400),
)
_log = structlog.get_logger(__name__)


def looked(age_seconds: float) -> None:
    """Count a look at figures that hold everything that was told until so many seconds ago."""
    _AGES.observe(max(0.0, age_seconds))


class FiguresCollector(Collector):
    """Looks when it is asked, by two small statements. Without a database it says nothing of analytics."""

    def collect(self) -> Iterator[Metric]:
        """Yield the age of the oldest day that waits, and the most failures in a row of an event."""
        try:
            first = DirtyDay.objects.aggregate(first=Min("marked_at"))["first"]
            failures = Refresh.objects.aggregate(most=Max("failures"))["most"]
        except DatabaseError as error:
            _log.warning("analytics_metrics_unreadable", error=type(error).__name__)
            connection.close()
            return
        behind = max(0.0, (clock.now() - first).total_seconds()) if first else 0.0
        yield GaugeMetricFamily(
            "marquee_analytics_days_behind_seconds",
            "Age of the oldest day of tracked events that waits to be computed",
            value=behind,
        )
        yield GaugeMetricFamily(
            "marquee_analytics_failures_in_a_row",
            "How often computing an event failed since it last succeeded, the worst one",
            value=failures or 0,
        )
