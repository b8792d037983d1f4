"""After a campaign nothing lies with the dead letters: no plan outlasts the shortest retry schedule."""

from collections.abc import Iterator

from chaos.proofs.books import Books, Breach

_DEAD = """
SELECT kind, count(*), (array_agg(errors -> -1 ->> 'error'))[1] FROM common_job
WHERE status = 'dead' AND finished_at >= %(began)s GROUP BY kind
"""
_STUCK = """SELECT event_type, status, note FROM common_inboxevent
    WHERE status IN ('received', 'processing', 'failed', 'dead') AND received_at >= %(began)s"""


def prove(books: Books) -> Iterator[Breach]:
    """List the dead letters, and webhooks that were stored and never worked."""
    yield from books.none_of("no job is dead", _DEAD)
    yield from books.none_of("every stored webhook was worked", _STUCK)
