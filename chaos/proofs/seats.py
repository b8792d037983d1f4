"""No seat is given twice, nobody jumps the queue, and no free seat stands idle while the next in line fits."""

import time
from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches
from chaos.stack import Stack

_COUNTERS = """
SELECT s.slug, s.maximum_capacity, s.seats_kept, s.current_attendance, a.seats, s.held, q.held, s.waiting, q.waiting
FROM events_session s
CROSS JOIN LATERAL (
    SELECT coalesce(sum(seats), 0) AS seats FROM events_attendance WHERE session_id = s.id AND status = 'ATTENDING'
) a
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE status = 'OFFERED'), 0) AS held,
        count(*) FILTER (WHERE status = 'WAITING') AS waiting
    FROM waitlist_entry WHERE session_id = s.id
) q
WHERE s.current_attendance <> a.seats OR s.held <> q.held OR s.waiting <> q.waiting
    OR a.seats + q.held > greatest(s.maximum_capacity, s.seats_kept)
"""
_ONE_PLACE = """
SELECT session_id, rank, queue_at, count(*) FROM waitlist_entry WHERE status IN ('WAITING', 'OFFERED')
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
# Who had been waiting before somebody behind them was offered a seat, for longer than any request takes. A request
# reads its clock before it waits for the session's lock, so younger places prove nothing.
_JUMPED = """
SELECT later.id, earlier.id FROM waitlist_entry later JOIN waitlist_entry earlier
    ON earlier.session_id = later.session_id AND earlier.id <> later.id
    AND (earlier.rank, earlier.queue_at, earlier.id) < (later.rank, later.queue_at, later.id)
    AND earlier.joined_at < later.offered_at - interval '30 seconds'
    AND coalesce(earlier.offered_at, earlier.ended_at, now()) > later.offered_at + interval '30 seconds'
WHERE later.offered_at >= %(began)s
"""
# The head of each queue, and the seats it could have.
_IDLE = """
SELECT s.slug, head.quantity, s.maximum_capacity - s.current_attendance - s.held FROM events_session s
CROSS JOIN LATERAL (
    SELECT quantity FROM waitlist_entry WHERE session_id = s.id AND status = 'WAITING'
    ORDER BY rank, queue_at, id LIMIT 1
) head
LEFT JOIN waitlist_waitlistpolicy p ON p.session_id = s.id
WHERE head.quantity <= s.maximum_capacity - s.current_attendance - s.held AND s.starts_at > now()
    AND NOT coalesce(p.offers_paused, false)
"""
_MISSING = """
SELECT told.id FROM unnest(%(ids)s::uuid[]) AS told (id)
LEFT JOIN waitlist_entry e ON e.attendance_id = told.id
WHERE e.status IS DISTINCT FROM 'ACCEPTED'
"""
_UNKNOWN = """
SELECT told.id FROM unnest(%(ids)s::uuid[]) AS told (id)
WHERE NOT EXISTS (SELECT FROM waitlist_entry e WHERE e.id = told.id)
"""
_PATIENCE_LOOKS, _LOOK_SECONDS = 10, 1.0


def prove(books: Books) -> Iterator[Breach]:
    """Recount every session's seats and queue, and look at the mirrors in Valkey."""
    yield from books.none_of("no seat is given twice", _COUNTERS)
    yield from books.none_of("two people never hold one place", _ONE_PLACE)
    yield from books.none_of("nobody jumps the queue", _JUMPED)
    yield from books.none_of(
        "who accepted has their seats", _MISSING, ids=books.claims.all("seat", "attendance")
    )
    yield from books.none_of("who joined is in the queue", _UNKNOWN, ids=books.claims.all("joined", "entry"))
    promise = "the queues in Valkey can be healed, and then are those of the database"
    yield from books.command(promise, "rebuild_waitlist", "--dry-run")


def no_idle_seat(stack: Stack) -> Iterator[Breach]:
    """Look while queues go on: a seat that an offer just left goes to the next by a job, so it may take a moment."""
    idle = stack.rows(_IDLE)
    for _ in range(_PATIENCE_LOOKS):
        if not idle:
            return
        time.sleep(_LOOK_SECONDS)
        idle = stack.rows(_IDLE)
    yield from breaches("no free seat stands idle while the next in line fits", idle)
