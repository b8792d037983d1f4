"""Announcements are numbered without gap, each number is one event for everybody, and what was missed can be read."""

from collections.abc import Iterator
from itertools import pairwise

from chaos.proofs.books import Books, Breach, breaches

_GAPS = """
SELECT e.stream, count(*), min(e.seq), max(e.seq), s.last_seq FROM notifications_realtimeevent e
JOIN notifications_realtimestream s ON s.stream = e.stream WHERE e.seq IS NOT NULL
GROUP BY e.stream, s.last_seq HAVING max(e.seq) <> s.last_seq OR max(e.seq) - min(e.seq) + 1 <> count(*)
"""
_HEARD = """
SELECT heard.stream, heard.seq FROM unnest(%(streams)s::text[], %(seqs)s::bigint[], %(events)s::uuid[])
    AS heard (stream, seq, event)
WHERE NOT EXISTS (
    SELECT FROM notifications_realtimeevent e
    WHERE e.stream = heard.stream AND e.seq = heard.seq AND e.event_id = heard.event
)
"""


def prove(books: Books) -> Iterator[Breach]:
    """Look for gaps, and for what a listener heard that is not kept under that number."""
    yield from books.none_of("the numbers of a stream have no gap", _GAPS)
    heard = [*books.claims.of("heard"), *books.claims.of("missed")]
    streams, seqs, events = ([one[name] for one in heard] for name in ("stream", "seq", "event"))
    yield from books.none_of(
        "what was heard is what is kept", _HEARD, streams=streams, seqs=seqs, events=events
    )
    read = [one["seq"] for one in books.claims.of("missed")]
    yield from breaches(
        "what was missed is read in order and without gap", [b for a, b in pairwise(read) if b != a + 1]
    )
    by_number: dict[tuple[str, int], set[str]] = {}
    for one in heard:
        by_number.setdefault((one["stream"], one["seq"]), set()).add(one["event"])
    yield from breaches(
        "one number, one event", [one for one, events in by_number.items() if len(events) > 1]
    )
