"""What the ledger says of an event's money, by day: for reports. Nothing is counted that did not move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

_MOVED = """
SELECT (l.occurred_at AT TIME ZONE %(zone)s)::date AS day, l.currency, o.purpose, l.kind, sum(l.amount)
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


def movements_by_day(*, event_id: UUID, zone: str, start: datetime, end: datetime) -> Sequence[Movement]:
    """Return what moved in ``[start, end)`` for the orders of an event, Stripe's fees left out. One statement.

    The caller answers for who may see it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"event": event_id, "zone": zone, "start": start, "end": end})
        return [Movement(*row) for row in cursor.fetchall()]
