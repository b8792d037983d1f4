"""No webhook is lost, none and nothing else lies with the dead letters, and no door broke.

No plan of a campaign outlasts the shortest retry schedule.
"""

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

_LOST = """SELECT told.id FROM unnest(%(ids)s::text[]) AS told (id)
    WHERE NOT EXISTS (SELECT FROM common_inboxevent e WHERE e.event_id = told.id)"""


def prove(books: Books) -> Iterator[Breach]:
    """List the dead letters, webhooks that were lost or never worked, and answers that nobody meant."""
    yield from books.none_of("no job is dead", _DEAD)
    # Stripe's own word: an event that no webhook is pending for was answered 2xx; one that was dropped stays pending.
    told = books.stack.stripe(f"events?created[gte]={int(books.began.timestamp())}")
    answered = [event["id"] for event in told if event["pending_webhooks"] == 0]
    yield from books.none_of("every webhook that was answered is stored", _LOST, ids=answered)
    yield from books.none_of("every stored webhook was worked", _STUCK)
    answers = [one for claim in books.claims.of("answers") for one in claim.items()]
    broke = [
        f"{status}, {times} times" for status, times in answers if status.startswith("5") and status != _AWAY
    ]
    yield from breaches("what is away is answered 503", broke)
