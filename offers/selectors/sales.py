"""What was bought of an event's offers, for reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

_SOLD = """
SELECT p.offer_id, f.title, r.currency, count(*), sum(p.quantity), sum(r.amount)
FROM payments_order r JOIN offers_purchase p ON p.order_id = r.id JOIN offers_offer f ON f.id = p.offer_id
WHERE r.event_id = %(event)s AND r.paid_at >= %(start)s AND r.paid_at < %(end)s AND r.state = 'paid'
GROUP BY 1, 2, 3
ORDER BY sum(r.amount) DESC, count(*) DESC, p.offer_id, r.currency
"""


@dataclass(frozen=True, slots=True)
class OfferSales:
    """Paid purchases of one offer in one currency: how many, of how many units, for how much in minor units."""

    offer_id: UUID
    title: str
    currency: str
    purchases: int
    units: int
    amount: int


def sales_by_offer(*, event_id: UUID, start: datetime, end: datetime) -> Sequence[OfferSales]:
    """Return what was paid for in ``[start, end)``, free things too, the best seller first. One statement.

    By the time of the charge, which the ledger has as well, so that purchases and money of a day agree.

    Later refunds change nothing here: they are money of their own day. The caller answers for who may see it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, {"event": event_id, "start": start, "end": end})
        return [OfferSales(*row) for row in cursor.fetchall()]
