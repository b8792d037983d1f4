"""What Prometheus is told about the figures of ads: when its jobs last succeeded, and how far they are behind."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from django.db.models import Min
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ads.models import AdDirtyDay, AdRun
from common import clock

_log = structlog.get_logger(__name__)


class FiguresCollector(Collector):
    """Looks when it is asked, by two small statements. Without a database it says nothing of ads."""

    def collect(self) -> Iterator[Metric]:
        """Yield when each job of ads last succeeded, and the age of the oldest day that waits to be computed."""
        try:
            runs = list(AdRun.objects.values_list("job", "succeeded_at"))
            first = AdDirtyDay.objects.aggregate(first=Min("marked_at"))["first"]
        except DatabaseError as error:
            _log.warning("ad_metrics_unreadable", error=type(error).__name__)
            connection.close()
            return
        succeeded = GaugeMetricFamily(
            "marquee_ads_last_success_timestamp_seconds",
            "When a job of ads that runs by the clock last succeeded",
            labels=["job"],
        )
        for job, at in runs:
            succeeded.add_metric([job], at.timestamp())
        yield succeeded
        behind = max(0.0, (clock.now() - first).total_seconds()) if first else 0.0
        yield GaugeMetricFamily(
            "marquee_ads_days_behind_seconds", "Age of the oldest day that waits to be computed", value=behind
        )
