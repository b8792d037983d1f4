"""What must make the proofs of a fault campaign fail: claims that nobody made, and rows that the product did not write.

Each promise of ``chaos/proofs`` is here at least once (``chaos/tests/test_proofs.py`` counts them).
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
import pytest

from chaos import settling
from chaos.campaign import Campaign
from chaos.faults import Accidents
from chaos.operator import COMMANDS
from chaos.proofs import Books, Breach, doors, events, letters, money, queue, realtime, seats, stock
from chaos.stack import Stack

Claims: TypeAlias = Sequence[tuple[str, dict[str, Any], set[str]]]

_NOBODY, _ANOTHER, _UNTOLD, _DECISION = (str(UUID(int=number)) for number in range(1, 5))
_SHOWN = {"decision": _NOBODY, "kind": "impression", "outcome": "counted"}
_LET_IN = {"ticket": "-", "nonce": "never sent", "result": "accepted"}
_HEARD = {"stream": "event:nobody", "seq": 1, "name": "-"}

# Claims that nobody made, and the promises that are not kept then.
FALSE_CLAIMS: Claims = (
    ("order", {"key": "-", "order": _NOBODY}, {"an order that was answered is there"}),
    ("order", {"key": "-", "order": _ANOTHER}, {"one key, one purchase"}),
    ("refund", {"refund": _NOBODY}, {"a refund that was answered is there"}),
    ("seat", {"attendance": _NOBODY}, {"who accepted has their seats"}),
    ("joined", {"entry": _NOBODY}, {"who joined is in the queue"}),
    ("tracked", {"ids": [_NOBODY]}, {"no accepted event is lost or doubled"}),
    ("ad", _SHOWN, {"no accepted impression or click is lost"}),
    ("ad", _SHOWN, {"nothing of an ad is counted twice"}),
    ("scan", _LET_IN, {"each scan is kept once, as it was answered"}),
    ("scan", _LET_IN, {"a ticket lets in once"}),
    ("letter", {"id": f"<{_NOBODY}@marquee.test>"}, {"each letter is one of ours"}),
    ("sent", {"ids": [_ANOTHER]}, {"an e-mail that is said to be sent arrived"}),
    ("answers", {"500": 1}, {"what is away is answered 503"}),
    ("heard", {**_HEARD, "event": _NOBODY}, {"what was heard is what is kept"}),
    ("heard", {**_HEARD, "event": _ANOTHER}, {"one number, one event"}),
    ("missed", {**_HEARD, "seq": 3, "event": _NOBODY}, set()),
    ("missed", {**_HEARD, "seq": 5, "event": _NOBODY}, {"what was missed is read in order and without gap"}),
)
# What each command of an operator's proves.
COMMANDED = {
    "figures can be computed", "figures are their raw events", "the days of ads are their raw events",
    "stock agrees with its rows", "payments agree with Stripe",
    "the queues in Valkey can be healed, and then are those of the database",
}  # fmt: skip
# What names rows that are written below.
_CLAIMED: Claims = (("untold", {"ids": [_UNTOLD]}, set()), ("decision", {"id": _DECISION}, set()))

_NEWEST_PAID = """(SELECT id FROM payments_order WHERE title = 'Last-minute code' AND state = 'paid'
    ORDER BY paid_at DESC LIMIT 1)"""
_ITS_PURCHASE = f"(SELECT id FROM offers_purchase WHERE order_id = {_NEWEST_PAID})"  # noqa: S608
_NEWEST_SALE = """(SELECT s.id FROM tickets_ticketsale s JOIN payments_order o ON o.id = s.order_id
    WHERE o.state = 'paid' ORDER BY o.paid_at DESC LIMIT 1)"""
_NEWEST_LETTER = """(SELECT message_id FROM notifications_emailattempt WHERE outcome = 'sent'
    ORDER BY started_at DESC LIMIT 1)"""


def _changed(table: str, change: str, where: str) -> str:
    return f"UPDATE {table} SET {change} WHERE {where} RETURNING 1"  # noqa: S608


def _copied(table: str, row: str, changes: str, times: int = 2) -> str:
    """Write rows like one that is there, with changes; ``n`` is the number of each."""
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(one, jsonb_build_object({changes}))).* "  # noqa: S608
        f"FROM (SELECT t FROM {table} t {row} LIMIT 1) s (one), generate_series(1, {times}) n RETURNING 1"
    )


# Two people of nobody's queue.
_QUEUED = """'id', gen_random_uuid(), 'attendance_id', NULL, 'status', {status}, 'ended_at', {ended},
    'rank', 0, 'queue_at', {queued}, 'joined_at', {queued}, 'offered_at', {offered}, 'offer_number', 1,
    'offer_expires_at', now() + interval '1 day',
    'user_id', (SELECT id FROM accounts_user u WHERE NOT EXISTS (SELECT FROM waitlist_entry w WHERE w.user_id = u.id)
        ORDER BY id OFFSET n LIMIT 1)"""
_WAITING = _QUEUED.format(status="'WAITING'", ended="NULL", queued="%(began)s", offered="NULL")
_TWO_ON_ONE_PLACE = _copied("waitlist_entry", "", _WAITING)
# The first joined and left an hour later; the second came after it and was offered a seat meanwhile.
_JUMPED = _copied(
    "waitlist_entry", "",
    _QUEUED.format(
        status="CASE n WHEN 1 THEN 'LEFT' ELSE 'EXPIRED' END", ended="%(began)s + interval '1 hour'",
        queued="%(began)s + (n - 2) * interval '1 hour'",
        offered="CASE n WHEN 2 THEN %(began)s + interval '1 second' END",
    ),
)  # fmt: skip

# A row that is changed behind the product's back, whose proof has to notice, and the promises that are not kept then.
TAMPERED: tuple[tuple[ModuleType, str, set[str]], ...] = (
    (money, _changed("payments_payment", "payment_intent_id = 'pi_of_nobody'", f"order_id = {_NEWEST_PAID}"),
     {"each payment belongs to an order"}),
    (money, _changed("offers_fulfillment", "status = 'PROCESSING'", f"purchase_id = {_ITS_PURCHASE}"),
     {"no paid order without goods or refund"}),
    (money, _changed("tickets_ticket", "status = 'VOID'", f"sale_id = {_NEWEST_SALE}"),
     {"no paid order without goods or refund"}),
    (money, _changed("payments_order", "quarantine_reason = 'not its amount'", f"id = {_NEWEST_PAID}"),
     {"no paid order without goods or refund", "nothing is quarantined"}),
    (money, _changed("payments_ledgerentry", "amount = amount + 1", f"order_id = {_NEWEST_PAID}"),
     {"each order is the sum of its ledger", "the ledger has each of Stripe's charges, once"}),
    (money, _copied("payments_ledgerentry", f"WHERE order_id = {_NEWEST_PAID}",
                    "'id', gen_random_uuid(), 'kind', 'refund', 'stripe_id', 're_of_nobody', 'amount', -1", 1),
     {"each order is the sum of its ledger", "the ledger has each of Stripe's refunds, once"}),
    (stock, _changed("offers_offer", "sold = sold + 1", "title = 'VIP upgrade'"),
     {"no unit of an offer is sold twice"}),
    (stock, _changed("tickets_tickettier", "sold = sold + 1", "name = 'Premium'"),
     {"no place of a tier is sold twice"}),
    (stock, _changed("offers_offer", "reserved = reserved + 1", "title = 'Last-minute code'"),
     {"no unit of an offer is sold twice", "nothing stays reserved when nobody buys"}),
    (seats, _changed("events_session", "held = held + 1", "slug = 'panel'"), {"no seat is given twice"}),
    (seats, _TWO_ON_ONE_PLACE, {"two people never hold one place", "no seat is given twice"}),
    (seats, _JUMPED, {"nobody jumps the queue"}),
    (events, _copied("analytics_rawevent", "",
                     f"'id', '{_UNTOLD}', 'received_at', %(began)s - interval '1 second'"),
     {"what was not answered counts once at most"}),
    (events, "DELETE FROM analytics_dailyfigure RETURNING 1", {"figures have every raw event"}),
    (events, _copied("ads_adevent", "", f"'decision_id', '{_DECISION}', 'issue_day', (one).issue_day - n"),
     {"nothing of an ad is kept twice"}),
    (doors, _copied("tickets_ticketscan", "", """'id', gen_random_uuid(), 'nonce', 'twice' || n, 'result', 'accepted',
        'direction', 'IN', 'ticket_id', (SELECT id FROM tickets_ticket WHERE admissions = 0 ORDER BY id LIMIT 1)"""),
     {"a ticket lets in once", "a ticket's admissions are its scans"}),
    (letters, _copied("notifications_emailattempt", f"WHERE message_id = {_NEWEST_LETTER} AND outcome = 'sent'",
                      "'id', gen_random_uuid()", 1),
     {"an e-mail is accepted once"}),
    (letters, _copied("notifications_emailmessage", "", f"""'id', gen_random_uuid(), 'dedupe_key', 'twice' || n,
        'created_at', %(began)s, 'template', 'payments_receipt', 'about_id', '{_NOBODY}'"""),
     {"one thing is told once"}),
    (realtime, _changed("notifications_realtimestream", "last_seq = last_seq + 1", "stream ~ '^event:'"),
     {"the numbers of a stream have no gap"}),
    (queue, _copied("common_job", "WHERE status = 'done'",
                    "'id', gen_random_uuid(), 'status', 'dead', 'finished_at', now()", 1),
     {"no job is dead"}),
    (queue, _changed("common_inboxevent", "status = 'received'", "received_at >= %(began)s"),
     {"every stored webhook was worked"}),
    (queue, "DELETE FROM common_inboxevent WHERE received_at >= %(began)s RETURNING 1",
     {"every webhook that was answered is stored"}),
)  # fmt: skip

# A job that is due and that nobody works.
_LEFT_DUE = _copied(
    "common_job", "WHERE status = 'done'",
    "'id', gen_random_uuid(), 'status', 'pending', 'finished_at', NULL, 'dedupe_key', NULL,"
    " 'run_at', now() - interval '1 minute'", 1,
)  # fmt: skip
# Who waits first, and a session with room for them.
_LEFT_IDLE = (
    _changed("events_session", """maximum_capacity = current_attendance + held + 9,
        starts_at = now() + interval '1 day', ends_at = now() + interval '2 days'""", "slug = 'panel'"),
    _changed("waitlist_waitlistpolicy", "offers_paused = false", "true"),
    _copied("waitlist_entry", "", f"""{_WAITING}, 'quantity', 1,
        'session_id', (SELECT id FROM events_session WHERE slug = 'panel')""", 1),  # noqa: S608
)  # fmt: skip

_COPIED, _IDLE = (
    "no e-mail is doubled beyond at-least-once",
    "no free seat stands idle while the next in line fits",
)
# Every promise that something here breaks.
REFUSED = {_COPIED, _IDLE, *COMMANDED}.union(
    *(promises for _, _, promises in FALSE_CLAIMS), *(promises for _, _, promises in TAMPERED)
)


class Altered(Stack):
    """The running product with changes that it never sees: they are made in a transaction that is never committed."""

    def __init__(self, stack: Stack, database: psycopg.Connection) -> None:
        self.__dict__.update(stack.__dict__)
        self._database = database

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask inside the transaction."""
        return self._database.execute(query.encode(), params).fetchall()


@contextlib.contextmanager
def altered(books: Books, *statements: str) -> Iterator[Books]:
    """Give the books as they would be after these statements, each of which changes something."""
    with psycopg.connect(books.stack.environment["DATABASE_URL"]) as database:
        given = replace(books, stack=Altered(books.stack, database))
        for statement in statements:
            assert given.rows(statement), f"changes nothing: {statement}"
        try:
            yield given
        finally:
            database.rollback()


def _told(books: Books, *proofs: ModuleType) -> set[str]:
    return {breach.promise for proof in proofs for breach in proof.prove(books)}


def unnoticed(books: Books) -> dict[str, set[str]]:
    """Return what was told too much or too little, by what was done to these books, of which all is true before."""
    every = (money, stock, seats, events, doors, letters, realtime, queue)
    claimed = _with(books, FALSE_CLAIMS)
    failing = replace(books, operated=dict.fromkeys(COMMANDS, (1, "it found something")))
    found = {
        "claims": _told(claimed, *every) ^ set().union(*(promises for _, _, promises in FALSE_CLAIMS)),
        "commands": _told(failing, *every) ^ COMMANDED,
        "a copy": _told(_one_copy_more(books), letters) ^ {_COPIED},
    }
    for proof, statement, promises in TAMPERED:
        with altered(books, statement) as tampered:
            found[statement] = _told(_with(tampered, _CLAIMED), proof) ^ promises
    with altered(books, *_LEFT_IDLE) as tampered, pytest.MonkeyPatch.context() as patch:
        patch.setattr(seats, "_LOOK_SECONDS", 0.0)
        found["a free seat"] = {breach.promise for breach in seats.no_idle_seat(tampered.stack)} ^ {_IDLE}
    return {what: promises for what, promises in found.items() if promises}


def _with(books: Books, claims: Claims) -> Books:
    for what, facts, _ in claims:
        books = books.with_claim(what, **facts)
    return books


def _one_copy_more(books: Books) -> Books:
    """Claim a copy more of the newest letter than there were attempts."""
    query = f"SELECT message_id::text FROM notifications_emailattempt WHERE message_id = {_NEWEST_LETTER}"  # noqa: S608
    attempts = [row[0] for row in books.rows(query)]
    copies = [*attempts, attempts[0]]
    return _with(books, [("letter", {"id": f"<{message}@marquee.test>"}, set()) for message in copies])


def told_at_the_end(books: Books, folder: Path, *, seconds: float) -> list[Breach]:
    """Return what a campaign tells at its end of a job that is due and that nobody works; it waits twice so long."""
    with altered(books, _LEFT_DUE) as tampered, pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "LIMIT_SECONDS", seconds)
        campaign = Campaign(tampered.stack, folder, seed=1, seconds=1, say=print, is_short=True)
        campaign._settle(Accidents(tampered.stack, [], folder / "faults.jsonl", print))
        return campaign._breaches
