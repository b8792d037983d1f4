"""Every e-mail that is said to be sent arrived. A copy has the same key, and an attempt whose end nobody knows."""

from collections import Counter
from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches

# One attempt hands over one copy at most: it was accepted, or nobody knows.
_ATTEMPTS = """
SELECT m.id::text, count(a.id) FILTER (WHERE a.outcome IN ('sent', 'unknown', 'begun')),
    count(a.id) FILTER (WHERE a.outcome = 'sent')
FROM notifications_emailmessage m LEFT JOIN notifications_emailattempt a ON a.message_id = m.id
WHERE m.created_at >= %(began)s OR a.started_at >= %(began)s GROUP BY m.id
"""
# What is told once about one thing, however often its job ran.
_ONCE = (
    "offers_access_code", "offers_ticket_upgraded", "payments_receipt", "payments_late_refund", "tickets_issued",
)  # fmt: skip
_TWICE = """
SELECT template, about_id, "to", count(*) FROM notifications_emailmessage
WHERE created_at >= %(began)s AND template = ANY(%(once)s) AND about_id IS NOT NULL
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""


def prove(books: Books) -> Iterator[Breach]:
    """Hold the catcher's letters against the attempts."""
    copies = Counter(letter.strip("<>").partition("@")[0] for letter in books.claims.all("letter", "id"))
    known = {row[0]: row[1:] for row in books.rows(_ATTEMPTS)}
    yield from breaches("each letter is one of ours", set(copies) - set(known))
    doubled = [
        (one, times, known[one]) for one, times in copies.items() if one in known and times > known[one][0]
    ]
    yield from breaches("no e-mail is doubled beyond at-least-once", doubled)
    sent = {one for claim in books.claims.of("sent") for one in claim["ids"]}
    yield from breaches("an e-mail that is said to be sent arrived", sent - set(copies))
    yield from breaches(
        "an e-mail is accepted once", [one for one, (_, accepted) in known.items() if accepted > 1]
    )
    yield from books.none_of("one thing is told once", _TWICE, once=list(_ONCE))
