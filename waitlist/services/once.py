"""Joining by a call that may be repeated: a double click, a lost answer, a killed process end with one place."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from common import idempotency
from common.errors import Unauthenticated
from common.ratelimits import RateLimit, hit
from common.types import Actor
from waitlist import selectors
from waitlist.services.joining import join
from waitlist.types import Place

OPERATION = "waitlist.join"
_CREATED = 201


def join_once(
    *,
    actor: Actor,
    session_id: UUID,
    quantity: int,
    key: str | None,
    now: datetime,
    kept: timedelta = idempotency.KEPT,
) -> Place:
    """Join as ``joining.join`` does; the same key and wish give the same answer for as long as it is ``kept``.

    A refusal is not kept: it changed nothing, and the same call may pass later. Call with no transaction open.
    Raises what ``join`` raises, ``RateLimited``, ``IdempotencyMismatch``, ``InProgress``.
    """
    if actor.user_id is None:
        raise Unauthenticated
    ticket = idempotency.begin(
        user_id=actor.user_id,
        operation=OPERATION,
        key=key,
        fingerprint=idempotency.fingerprint_of({"session_id": session_id, "quantity": quantity}),
        now=now,
    )
    if ticket.replay is not None:
        return Place.from_json(ticket.replay.body)
    try:
        place = _place(actor, session_id, quantity, ticket, now=now)
    except idempotency.InProgress:
        raise  # the key is another call's now
    except Exception:
        idempotency.release(ticket)
        raise
    idempotency.finish(ticket, status=_CREATED, body=place.as_json(), now=now, kept=kept)
    return place


def _place(
    actor: Actor, session_id: UUID, quantity: int, ticket: idempotency.Ticket, *, now: datetime
) -> Place:
    if ticket.subject_id is not None:
        # An earlier call with this key joined, and did not live to say so.
        return selectors.place_of_entry(ticket.subject_id, now=now)
    hit(RateLimit("waitlist.join", settings.WAITLIST_JOIN_RATE_LIMIT, 60), str(actor.user_id))
    return join(actor=actor, session_id=session_id, quantity=quantity, key=ticket, now=now)
