"""What the ledger says of an event's money, by day: for reports. Nothing is counted that did not move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from common.windows import day_bounds

# Days are told by where they begin, and answered by their number. PostgreSQL: "width_bucket(operand, thresholds)".
_MOVED = """
SELECT width_bucket(l.occurred_at, %(starts)s::timestamptz[]), l.currency, o.purpose, l.kind, sum(l.amount)
FROM payments_order o JOIN payments_ledgerentry l ON l.order_id = o.id
WHERE o.event_id = %(event)s AND l.kind <> 'fee' AND l.occurred_at >= %(start)s AND l.occurred_at < %(end)s
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved on one day (of the zone asked for) for one purpose and kind: signed minor units of one currency."""

    day: date
    currency: str
    purpose: str
    kind: str
    amount: int


def movements_by_day(*, event_id: UUID, zone: ZoneInfo, first: date, last: date) -> Sequence[Movement]:
    """Return what moved from a day to another, both included, for the orders of an event, Stripe's fees left out.

    One statement. The caller answers for who may see it.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    bounds = [day_bounds(day, zone) for day in days]
    given: dict[str, Any] = {
        "event": event_id, "starts": [start for start, _ in bounds], "start": bounds[0][0], "end": bounds[-1][1],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, given)
        return [Movement(days[number - 1], *rest) for number, *rest in cursor.fetchall()]
