"""A ticket lets one person in: each accepted scan is kept once, and a ticket has one."""

from collections import Counter
from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches

_KEPT = """
SELECT told.nonce, told.result, count(s.id) FROM unnest(%(nonces)s::text[], %(results)s::text[]) AS told (nonce, result)
LEFT JOIN tickets_ticketscan s ON s.nonce = told.nonce AND s.result = told.result
GROUP BY 1, 2 HAVING count(s.id) <> 1
"""
# Where leaving is counted somebody may come in as often as they left, and once more.
_TWICE = """
SELECT s.ticket_id FROM tickets_ticketscan s WHERE s.result = 'accepted' AND s.ticket_id IS NOT NULL
GROUP BY 1 HAVING count(*) FILTER (WHERE s.direction = 'IN') > 1 + count(*) FILTER (WHERE s.direction = 'OUT')
"""
_ROWS = """
SELECT t.number, t.admissions FROM tickets_ticket t WHERE t.admissions <> (
    SELECT count(*) FROM tickets_ticketscan s WHERE s.ticket_id = t.id AND s.result = 'accepted' AND s.direction = 'IN'
)
"""


def prove(books: Books) -> Iterator[Breach]:
    """Recount the doors."""
    scans = list(books.claims.of("scan"))
    accepted = Counter(scan["ticket"] for scan in scans if scan["result"] == "accepted")
    yield from breaches("a ticket lets in once", [one for one, times in accepted.items() if times > 1])
    nonces, results = [scan["nonce"] for scan in scans], [scan["result"] for scan in scans]
    yield from books.none_of(
        "each scan is kept once, as it was answered", _KEPT, nonces=nonces, results=results
    )
    yield from books.none_of("a ticket lets in once", _TWICE)
    yield from books.none_of("a ticket's admissions are its scans", _ROWS)
