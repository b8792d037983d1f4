"""Nothing lies with the dead letters (no plan outlasts the shortest retry schedule), and no door broke."""

from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches

_DEAD = """
SELECT kind, count(*), (array_agg(errors -> -1 ->> 'error'))[1] FROM common_job
WHERE status = 'dead' AND finished_at >= %(began)s GROUP BY kind
"""
# Whatever is away, the answer says so, and that it may be asked again.
_AWAY = "503"
_STUCK = """SELECT event_type, status, note FROM common_inboxevent
    WHERE status IN ('received', 'processing', 'failed', 'dead') AND received_at >= %(began)s"""


def prove(books: Books) -> Iterator[Breach]:
    """List the dead letters, webhooks that were stored and never worked, and answers that nobody meant."""
    yield from books.none_of("no job is dead", _DEAD)
    yield from books.none_of("every stored webhook was worked", _STUCK)
    told = [one for claim in books.claims.of("answers") for one in claim.items()]
    broke = [
        f"{status}, {times} times" for status, times in told if status.startswith("5") and status != _AWAY
    ]
    yield from breaches("what is away is answered 503", broke)
