"""Reads over queues: a person's place, the staff's list, a session's standing, an event's figures."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, Q, QuerySet

from accounts.services import access, looks
from accounts.types import Capability
from common import statements
from common.errors import NotFound, Unauthenticated
from common.types import Actor
from events.models import Session
from waitlist import mirror
from waitlist.models import Entry, EntryStatus, GroupRule, WaitlistPolicy
from waitlist.services import tokens
from waitlist.services.filling import largest_group
from waitlist.types import OpenOffer, Place, Reason, Standing

# The estimate looks at how fast the queue moved lately.
TURNOVER_WINDOW = timedelta(hours=1)


def managed_session(
    actor: Actor, session_id: UUID, capability: Capability = Capability.MANAGE_WAITLIST
) -> Session:
    """Return the session with its event for a member who may manage it.

    Raises ``Unauthenticated``, ``NotFound`` for other organizations' sessions, ``Forbidden``.
    """
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated
    session = Session.objects.select_related("event").filter(pk=session_id).first()
    if session is None:
        raise NotFound
    access.require(actor, session.event.organization_id, capability)
    return session


def place_of(actor: Actor, session_id: UUID, *, now: datetime) -> Place:
    """Return the actor's place in the session: the live one, else how the last one ended. At most 2 statements,
    and one round trip to Redis.

    Raises ``Unauthenticated``, ``NotFound`` when they never joined.
    """
    if actor.user_id is None:
        raise Unauthenticated
    of = own_place(session_id, now=now) | {"user": actor.user_id}
    return place_seen(statements.run(_OF_PERSON, of).fetchone(), now=now)


def own_place(session_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Return what ``OWN_PLACE`` is to be asked with; who asks comes from their token
    (``accounts.services.looks``)."""
    return {"session": session_id, "since": now - TURNOVER_WINDOW, "now": now}


def place_seen(row: Sequence[Any] | None, *, now: datetime) -> Place:
    """Return the place that ``OWN_PLACE`` saw. Raises ``NotFound`` for None: they never joined."""
    if row is None:
        raise NotFound("You are not in this waitlist.")
    return _place(_Seen(*row), now)


def place_of_entry(entry_id: UUID, *, now: datetime) -> Place:
    """Return an entry's place. The caller answers for who may see it. Raises ``NotFound``."""
    of = {"entry": entry_id, "since": now - TURNOVER_WINDOW, "now": now}
    row = statements.run(_OF_ENTRY, of).fetchone()
    if row is None:
        raise NotFound
    return _place(_Seen(*row), now)


def entries(
    actor: Actor, session_id: UUID, *, statuses: Collection[str] = (), tier: str = "", search: str = ""
) -> QuerySet[Entry]:
    """Return a session's entries with their users: open offers, then who waits in their order, then those that
    ended, the latest first. ``search`` looks in names and e-mails.

    Raises what ``managed_session`` raises.
    """
    managed_session(actor, session_id)
    found = Entry.objects.of_session(session_id).listed(statuses)
    if tier:
        found = found.filter(priority_tier=tier)
    if search:
        found = found.filter(Q(user__email__icontains=search) | Q(user__name__icontains=search))
    return found.select_related("user")


def positions_of(page: Sequence[Entry]) -> dict[UUID, int]:
    """Return the positions of those of the page that wait, all of one session. One statement."""
    waiting = [entry.pk for entry in page if entry.status == EntryStatus.WAITING]
    if not waiting:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, {"session": page[0].session_id, "ids": waiting})
        return dict(cursor.fetchall())


def positions_of_people(session_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the positions of those of these people who wait in the session, by their ids. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS_OF_PEOPLE, {"session": session_id, "users": list(user_ids)})
        return dict(cursor.fetchall())


def standing(actor: Actor, session_id: UUID, *, now: datetime) -> Standing:
    """Return a session's seats and queue, and why nothing is offered, if so. Raises what ``managed_session``
    raises."""
    session = managed_session(actor, session_id)
    return standing_of(session, now=now)


def standing_of(session: Session, *, now: datetime) -> Standing:
    """Return the standing of a session that was just read. Three statements."""
    policy = WaitlistPolicy.objects.filter(pk=session.pk).first() or WaitlistPolicy(session=session)
    queue = Entry.objects.of_session(session.pk)
    smallest = queue.waiting().aggregate(size=Min("quantity"))["size"]
    # A group larger than the whole session is passed over; where only such wait, they are the reason.
    seatable = queue.waiting().filter(quantity__lte=largest_group(session))
    head = seatable.order_by("rank", "queue_at", "id").values_list("quantity", flat=True).first()
    next_size = head if policy.group_rule == GroupRule.WAIT and head is not None else smallest
    return Standing(
        session_id=session.pk,
        capacity=session.maximum_capacity,
        attending=session.current_attendance,
        held=session.held,
        free=session.free_seats,
        waiting=session.waiting,
        offered=queue.offered().count(),
        seats_kept=session.seats_kept,
        offers_paused=policy.offers_paused,
        group_rule=policy.group_rule,
        why_not=_why_not(session, policy, next_size, now),
    )


def _why_not(
    session: Session, policy: WaitlistPolicy, next_size: int | None, now: datetime
) -> tuple[Reason, ...]:
    """Return every reason why the next in the queue gets no offer now."""
    free = session.free_seats
    is_closed = policy.closes_at is not None and now >= policy.closes_at
    paused = f"Offers are paused: {policy.pause_reason}" if policy.pause_reason else "Offers are paused."
    checks = (
        (next_size is None, "nobody_waiting", "Nobody waits."),
        (now >= session.starts_at, "session_started", "The session has begun."),
        (policy.offers_paused, "offers_paused", paused),
        (is_closed, "sales_closed", "The waitlist is closed: its closing time is over."),
        (free == 0, "no_free_seat", "No seat is free."),
        (
            bool(free) and next_size is not None and free is not None and free < next_size,
            "group_too_large",
            f"The next group needs {next_size} seats, {free} free.",
        ),
    )
    return tuple(Reason(code, message) for holds, code, message in checks if holds)


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry and its session as one statement saw them: what the mirror is asked with belongs together."""

    id: UUID
    session_id: UUID
    user_id: UUID
    status: str
    quantity: int
    priority_tier: str
    rank: int
    queue_at: datetime
    joined_at: datetime
    offer_number: int
    offer_expires_at: datetime
    starts_at: datetime
    waiting: int
    version: int
    turnover: int


def _place(seen: _Seen, now: datetime) -> Place:
    position = _position(seen) if seen.status == EntryStatus.WAITING else None
    offer = None
    if seen.status == EntryStatus.OFFERED and now < seen.offer_expires_at and now < seen.starts_at:
        offer = OpenOffer(tokens.token_for(seen.id, seen.offer_number), seen.offer_expires_at)
    return Place(
        id=seen.id,
        session_id=seen.session_id,
        status=seen.status,
        quantity=seen.quantity,
        position=position,
        total=seen.waiting,
        priority_tier=seen.priority_tier,
        estimated_wait_minutes=None if position is None else estimate(position, seen.turnover),
        joined_at=seen.joined_at,
        offer=offer,
    )


def turnover_of(session_id: UUID, *, now: datetime) -> int:
    """Return how many offers the session made in the last hour."""
    lately = Entry.objects.of_session(session_id).filter(offered_at__range=(now - TURNOVER_WINDOW, now))
    return lately.count()


def estimate(position: int, turnover: int) -> int | None:
    """Return the expected wait in minutes from the offers made in the last hour; None when there were none."""
    if not turnover:
        return None
    return math.ceil(position * (TURNOVER_WINDOW / timedelta(minutes=1)) / turnover)


def _position(seen: _Seen) -> int:
    mirrored = mirror.position(
        session_id=seen.session_id,
        version=seen.version,
        waiting=seen.waiting,
        rank=seen.rank,
        queue_at=seen.queue_at,
        user_id=seen.user_id,
    )
    return _counted(seen) if mirrored is None else mirrored


def _counted(seen: _Seen) -> int:
    place = {"rank": seen.rank, "queue_at": seen.queue_at, "id": seen.id}
    (ahead,) = statements.run(_AHEAD, {"session": seen.session_id, **place}).fetchone()
    return int(ahead) + 1


# Every look at one's own place asks these. Without an end to the window PostgreSQL would expect a third of all offers
# in it, think that worth a new plan for each look, and spend more on plans than on looks.
_SEEN = """
SELECT e.id, e.session_id, e.user_id, e.status, e.quantity, e.priority_tier, e.rank, e.queue_at, e.joined_at,
    e.offer_number, e.offer_expires_at, s.starts_at, s.waiting, s.queue_version,
    (SELECT count(*) FROM waitlist_entry AS o
        WHERE o.session_id = s.id AND o.offered_at BETWEEN %(since)s AND %(now)s) AS turnover
FROM waitlist_entry AS e JOIN events_session AS s ON s.id = e.session_id
"""
_OF_ENTRY = statements.one_line(f"{_SEEN} WHERE e.id = %(entry)s")
_OF_PERSON = statements.one_line(f"""{_SEEN}
WHERE e.session_id = %(session)s AND e.user_id = %(user)s
ORDER BY e.status IN ('WAITING', 'OFFERED') DESC, e.joined_at DESC LIMIT 1
""")
OWN_PLACE = looks.own(_OF_PERSON)
_AHEAD = statements.one_line("""
SELECT count(*) FROM waitlist_entry WHERE session_id = %(session)s AND status = 'WAITING'
    AND (rank, queue_at, id) < (%(rank)s, %(queue_at)s, %(id)s)
""")
_NUMBERED = """
SELECT id, row_number() OVER (ORDER BY rank, queue_at, id) AS place
FROM waitlist_entry WHERE session_id = %(session)s AND status = 'WAITING'
"""
_POSITIONS = f"SELECT id, place FROM ({_NUMBERED}) AS queue WHERE id = ANY(%(ids)s)"  # noqa: S608 constant
_POSITIONS_OF_PEOPLE = f"""
SELECT e.user_id, queue.place FROM ({_NUMBERED}) AS queue JOIN waitlist_entry AS e ON e.id = queue.id
WHERE e.session_id = %(session)s AND e.user_id = ANY(%(users)s)
"""  # noqa: S608 constant
