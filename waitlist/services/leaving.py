"""Leaving a queue of one's own accord."""

from datetime import datetime
from uuid import UUID

from common.db import retrying
from common.errors import NotFound, Unauthenticated
from common.types import Actor
from waitlist.models import Entry, EntryStatus
from waitlist.services.ending import end
from waitlist.services.filling import locked_queue


@retrying
def leave(*, actor: Actor, session_id: UUID, now: datetime) -> None:
    """Give up the actor's place or open offer; the seats go to whoever is next.

    Raises ``Unauthenticated``, ``NotFound`` when they have neither, ``Busy``.
    """
    if actor.user_id is None:
        raise Unauthenticated
    with locked_queue(session_id, now=now) as queue:
        entry = Entry.objects.of_session(session_id).live().filter(user_id=actor.user_id).first()
        if entry is None:
            raise NotFound("You are not in this waitlist.")
        end(queue, [entry], EntryStatus.LEFT)
