"""The two statements that sell: lock, then write everything down if what was seen is still so.

They are sent together, so that nobody waits for a client while a wanted offer is locked. The second begins
after the lock was had and sees what was committed until then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from common import idempotency, statements
from common.outbox import queue
from offers.services.sighting import SOURCE, STATE, Sighting
from payments.services import orders

_LOCK = "SELECT o.id FROM offers_offer o WHERE o.id = %(offer_id)s FOR UPDATE OF o"
# The offer that this one excludes is locked with it: a purchase of that one waits for this, or this for that, and
# the second sees the first.
_LOCK_BOTH = """
SELECT o.id FROM offers_offer o
WHERE o.id IN (%(offer_id)s, %(excludes_offer_id)s)
ORDER BY o.id FOR UPDATE OF o
"""

# ``seen``: all is as it was decided upon, and the units are there. ``held``: they are ours now; payments and the
# queue write their rows where it has one.
_WRITE = statements.one_line(f"""
WITH seen AS (
    SELECT o.id FROM {SOURCE} AND {STATE} = %(state)s
        AND (o.inventory_total IS NULL OR o.inventory_total - o.sold - o.reserved >= %(quantity)s)
), key AS (
    {idempotency.ATTACH} AND EXISTS (SELECT FROM seen) RETURNING id
), held AS (
    UPDATE offers_offer SET reserved = reserved + %(quantity)s
    WHERE id = (SELECT id FROM seen) AND (%(key_id)s::uuid IS NULL OR EXISTS (SELECT FROM key))
    RETURNING id
), purchase AS (
    INSERT INTO offers_purchase (id, offer_id, event_id, user_id, order_id, ticket_id, quantity, reserved_units,
        sold_units, returned_units, created_at)
    SELECT %(purpose_id)s, held.id, %(event_id)s, %(buyer_id)s, %(order_id)s, %(ticket_id)s::uuid, %(quantity)s,
        %(quantity)s, 0, 0, %(created_at)s
    FROM held
), {orders.ROWS}, jobs AS (
    {queue.insertion("EXISTS (SELECT FROM held)")}
)
SELECT EXISTS (SELECT FROM seen), EXISTS (SELECT FROM held)
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Sale:
    """What is to be written: decided upon a sighting, with nothing locked."""

    seen: Sighting
    order: orders.NewRows
    ticket_id: UUID | None


def lock(sale: Sale) -> None:
    """Lock the offer, and the one that it excludes, by id."""
    offer = sale.seen.offer
    if offer.excludes_offer_id is None:
        statements.run(_LOCK, {"offer_id": offer.pk})
    else:
        statements.run(_LOCK_BOTH, {"offer_id": offer.pk, "excludes_offer_id": offer.excludes_offer_id})


def write(sale: Sale, key: idempotency.Ticket) -> Callable[[], bool]:
    """Hold the units and write purchase, order, payment, jobs and the key's subject, all or none, by one statement.

    The offer is locked. Returns how to learn whether it was done: False when something is not as it was seen.
    Asking raises ``InProgress`` when another call has taken the key over; then too nothing was written.
    """
    order = sale.order.order
    values = sale.order.values | {
        "offer_id": sale.seen.offer.pk,
        "state": sale.seen.state,
        "ticket_id": sale.ticket_id,
        **idempotency.attachment(key, order.purpose_id),
    }
    cursor = statements.run(_WRITE, values)

    def is_done() -> bool:
        was_as_seen, is_held = cursor.fetchone()
        if was_as_seen and not is_held:
            raise idempotency.InProgress(retry_after=1)
        return bool(is_held)

    return is_done
