"""What Prometheus is told about what runs by the clock, and what ``/readyz`` says of it."""

from collections.abc import Iterator

import structlog
from django.db import Error, connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common import clock
from common.health import NotReady
from common.schedules.services import standings

_log = structlog.stdlib.get_logger(__name__)


class ScheduleCollector(Collector):
    """Looks when it is asked, by two small statements. Without a database it says nothing of schedules."""

    def collect(self) -> Iterator[Metric]:
        """Yield for each schedule how late it is, how often it failed in a row, and when it last succeeded."""
        try:
            found = standings(now=clock.now())
        except Error as error:
            _log.warning("schedule_metrics_unreadable", error=type(error).__name__)
            connection.close()
            return
        late = GaugeMetricFamily(
            "marquee_schedule_late_seconds", "For how long a run has been missing", labels=["schedule"]
        )
        failures = GaugeMetricFamily(
            "marquee_schedule_failures_in_a_row", "Failures since it last succeeded", labels=["schedule"]
        )
        succeeded = GaugeMetricFamily(
            "marquee_schedule_last_success_timestamp_seconds", "When it last succeeded", labels=["schedule"]
        )
        for one in found:
            late.add_metric([one.name], one.late_seconds)
            failures.add_metric([one.name], one.failures)
            if one.succeeded_at is not None:
                succeeded.add_metric([one.name], one.succeeded_at.timestamp())
        yield from (late, failures, succeeded)


def ask_schedules() -> None:
    """Raise ``NotReady`` with the names of the schedules whose runs are missing."""
    late = [one.name for one in standings(now=clock.now()) if one.late_seconds]
    if late:
        raise NotReady(f"late: {', '.join(late)}")
