"""Who belongs to an event."""

from datetime import datetime
from uuid import UUID

from common.facts import RegistrationEnded
from common.outbox import publish
from events.models import Registration, RegistrationSource


def register(
    *, user_id: UUID, event_id: UUID, source: str = RegistrationSource.TICKET, now: datetime
) -> bool:
    """Let a person belong to an event; returns whether they did not before. Safe under races, one or two
    statements.

    In the caller's transaction. The row is locked to its end: nobody withdraws it meanwhile.
    """
    return Registration.objects.select_for_update().get_or_create(
        user_id=user_id, event_id=event_id, defaults={"source": source, "created_at": now}
    )[1]


def lock_registration(*, user_id: UUID, event_id: UUID) -> str:
    """Lock what a person belongs to an event by, for the caller's transaction, and return its source; empty when they
    do not. One statement.

    Ask after this, not before, whether there is a reason left for it: whoever gives one holds the same lock.
    """
    rows = Registration.objects.select_for_update().filter(user_id=user_id, event_id=event_id)
    return rows.order_by().values_list("source", flat=True).first() or ""


def withdraw(*, user_id: UUID, event_id: UUID, organization_id: UUID, now: datetime) -> bool:
    """End what a ticket made: the person belongs to the event no more; returns whether they did.

    Whom the organizer registered stays. What they hold for being registered ends by the fact ``RegistrationEnded``.
    Two statements, after ``lock_registration``.
    """
    rows = Registration.objects.filter(user_id=user_id, event_id=event_id, source=RegistrationSource.TICKET)
    is_ended = bool(rows.delete()[0])
    if is_ended:
        publish(RegistrationEnded(user_id, event_id), now=now, organization_id=organization_id)
    return is_ended
