"""Offering free seats to whoever is next (DESIGN "Waitlist"): a fixed number of statements for any number of seats."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from common.db import retrying
from events.models import Session
from waitlist.models import LARGEST_GROUP, Entry, GroupRule
from waitlist.querysets import QUEUE_ORDER
from waitlist.services import names
from waitlist.services.queue import Queue, lock_queue


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer that was just made."""

    entry_id: UUID
    user_id: UUID
    rank: int
    quantity: int
    expires_at: datetime


# The head of the queue as far as it fits: each entry takes a seat at least, so that ``most`` rows are enough. A group
# that the whole session has no room for any more, its capacity was lowered, holds nobody up.
_OFFER_HEAD = """
WITH head AS (
    SELECT id, rank, queue_at, quantity FROM waitlist_entry
    WHERE session_id = %(session)s AND status = 'WAITING' AND quantity <= %(largest)s
    ORDER BY rank, queue_at, id LIMIT %(most)s
), fitting AS (
    SELECT id FROM (
        SELECT id, sum(quantity) OVER (ORDER BY rank, queue_at, id) AS seats FROM head
    ) AS running WHERE %(room)s::bigint IS NULL OR seats <= %(room)s::bigint
)
"""
_OFFER_CHOSEN = """
WITH fitting AS (SELECT unnest(%(ids)s::uuid[]) AS id)
"""
# A batch's time begins when its last e-mail is expected to have gone; nobody holds a seat past the start.
_OFFER = """
UPDATE waitlist_entry AS e
SET status = 'OFFERED', offered_at = %(now)s, offer_number = e.offer_number + 1,
    offer_expires_at = least(
        %(now)s + %(lifetime)s + ((SELECT count(*) FROM fitting) - 1) / %(rate)s * interval '1 minute',
        %(starts_at)s)
FROM fitting WHERE e.id = fitting.id AND e.status = 'WAITING'
RETURNING e.id, e.user_id, e.rank, e.quantity, e.offer_expires_at
"""


@contextmanager
def locked_queue(session_id: UUID, *, now: datetime) -> Iterator[Queue]:
    """Lock the session, hand its queue to the act, then offer what is free and write all of it down.

    One transaction, or part of the caller's. Raises ``NotFound``.
    """
    with transaction.atomic():
        queue = lock_queue(session_id, now=now)
        yield queue
        fill(queue)
        queue.save()


@retrying
def fill_free_seats(*, session_id: UUID, now: datetime) -> int:
    """Offer every free seat to whoever is next and return how many offers went out.

    Nothing is offered while offers are paused, after the closing time, or once the session began. Raises
    ``NotFound``, ``Busy``.
    """
    with locked_queue(session_id, now=now) as queue:
        pass
    return queue.offers


def fill(queue: Queue) -> list[Offered]:
    """Offer what is free, by the organizer's group rule, unless something stops it. At most four statements."""
    if queue.policy.offers_paused or queue.has_begun or queue.is_closed:
        return []
    return offer_next(queue)


def offer_next(queue: Queue, *, most: int | None = None) -> list[Offered]:
    """Offer to the next in the queue, ``most`` entries at most, what is free; pauses do not count here."""
    room = queue.session.free_seats
    if room == 0 or queue.session.waiting == 0 or queue.has_begun:
        return []
    limit = room if most is None else most if room is None else min(most, room)
    made = _offer(queue, _OFFER_HEAD, {"most": limit, "room": room, "largest": largest_group(queue.session)})
    if queue.policy.group_rule == GroupRule.SKIP and room is not None:
        left = room - sum(offer.quantity for offer in made)
        wanted = left if most is None else min(left, most - len(made))
        made += _offer_to_smaller(queue, left, wanted)
    return made


def largest_group(session: Session) -> int:
    """Return the largest group that the session can ever seat: one that waits and is larger is passed over."""
    return LARGEST_GROUP if session.maximum_capacity is None else min(LARGEST_GROUP, session.maximum_capacity)


def offer_to(queue: Queue, entry_ids: Sequence[UUID]) -> list[Offered]:
    """Offer to these entries, which wait and fit together (the caller looked, under the lock)."""
    return _offer(queue, _OFFER_CHOSEN, {"ids": list(entry_ids)})


def sessions_with_room(*, now: datetime) -> QuerySet[Session, UUID]:
    """Return the ids of sessions ahead with free seats and people waiting, whatever was missed."""
    has_room = Q(maximum_capacity__isnull=True) | Q(maximum_capacity__gt=F("current_attendance") + F("held"))
    ahead = Session.objects.filter(has_room, waiting__gt=0, starts_at__gt=now)
    return ahead.order_by("id").values_list("id", flat=True)


def _offer_to_smaller(queue: Queue, left: int, most: int) -> list[Offered]:
    """Let groups that fit pass a head that does not. What is left is then less than the largest group."""
    if not 0 < left < LARGEST_GROUP or most <= 0 or queue.session.waiting == 0:
        return []
    waiting = Entry.objects.of_session(queue.session.pk).waiting().order_by(*QUEUE_ORDER)
    # Of each size no more than so many can fit.
    sizes = [waiting.filter(quantity=size)[: left // size] for size in range(1, left + 1)]
    # A union of one is that one, which is cut and cannot be ordered again.
    candidates = sizes[0] if left == 1 else sizes[0].union(*sizes[1:], all=True).order_by(*QUEUE_ORDER)
    chosen: list[UUID] = []
    for entry in candidates:
        if entry.quantity <= left and len(chosen) < most:
            chosen.append(entry.pk)
            left -= entry.quantity
    return offer_to(queue, chosen) if chosen else []


def _offer(queue: Queue, choice: str, values: dict[str, Any]) -> list[Offered]:
    session, policy = queue.session, queue.policy
    lifetime = policy.offer_seconds or settings.WAITLIST_OFFER_TTL_SECONDS
    values |= {
        "session": session.pk,
        "now": queue.now,
        "lifetime": timedelta(seconds=lifetime),
        "rate": max(1, settings.EMAIL_RATE_PER_MINUTE),
        "starts_at": session.starts_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(choice + _OFFER, values)
        made = [Offered(*row) for row in cursor.fetchall()]
    _hold(queue, made)
    return made


def _hold(queue: Queue, made: Sequence[Offered]) -> None:
    """Count the seats as held, and have people told and the offers ended in time."""
    if not made:
        return
    queue.session.held += sum(offer.quantity for offer in made)
    queue.offers += len(made)
    for offer in made:
        queue.drop(offer.rank, offer.user_id)
    queue.tell(names.What.OFFERED, [offer.entry_id for offer in made])
    queue.expire_at(made[0].expires_at)
