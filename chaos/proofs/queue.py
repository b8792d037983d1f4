"""What lies with the dead letters after a campaign is of the few kinds that may, and for the reason they may."""

from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches

# Kind of job and why faults alone may kill it. None may: no plan lasts longer than the shortest retry schedule.
EXPECTED: dict[str, str] = {}
_DEAD = """
SELECT kind, count(*), (array_agg(errors -> -1 ->> 'error'))[1] FROM common_job
WHERE status = 'dead' AND finished_at >= %(began)s GROUP BY kind
"""
_STUCK = """SELECT event_type, status, note FROM common_inboxevent
    WHERE status IN ('received', 'processing', 'failed', 'dead') AND received_at >= %(began)s"""


def prove(books: Books) -> Iterator[Breach]:
    """List the dead letters, and webhooks that were stored and never worked."""
    found = [row for row in books.rows(_DEAD) if row[0] not in EXPECTED]
    yield from breaches("no job is dead but of the expected kinds", found)
    yield from books.none_of("every stored webhook was worked", _STUCK)
