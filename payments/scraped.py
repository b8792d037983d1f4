"""What the metrics say of orders when they are asked: how many wait in quarantine."""

import time
from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from django.db.models import Q
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from payments.models import TIMED_STATES, Order, OrderState

KEPT_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class OrderCollector(Collector):
    """Looks at the orders that hold goods when it is asked, by one statement a minute at most.

    Without a database it says nothing of orders, so that the other figures still arrive.
    """

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._look: tuple[float, int] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield how many orders are quarantined and not closed yet."""
        waiting = self._latest()
        if waiting is not None:
            yield GaugeMetricFamily(
                "marquee_orders_quarantined", "Quarantined orders that still hold goods", value=waiting
            )

    def _latest(self) -> int | None:
        at = time.monotonic()
        if self._look is None or at - self._look[0] >= self._kept_seconds:
            try:
                self._look = (at, _quarantined())
            except DatabaseError as error:
                _log.warning("order_metrics_unreadable", error=type(error).__name__)
                connection.close()
                return None
        return self._look[1]


def _quarantined() -> int:
    # Two conditions for the two small indexes: those of all orders would be read for one.
    holding = Q(state__in=TIMED_STATES) | Q(state=OrderState.PROCESSING)
    return Order.objects.order_by().filter(holding).exclude(quarantine_reason="").count()
