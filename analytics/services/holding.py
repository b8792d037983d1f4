"""One worker at a time for an event's figures."""

from uuid import UUID

from common import statements
from events.models import Event


class Held(Exception):
    """Somebody else computes figures of this event just now."""


def locked_event(event_id: UUID, *, is_patient: bool = True) -> Event | None:
    """Have an event's figures for oneself until the transaction ends; return the event as it is then.

    Waits for whoever has them; who is not patient raises ``Held`` instead.
    """
    name = f"analytics {event_id}"
    if is_patient:
        statements.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [name])
    else:
        tried = statements.run("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7))", [name])
        if tried.fetchone() != (True,):
            raise Held
    return Event.objects.filter(pk=event_id).only("id", "time_zone").first()
