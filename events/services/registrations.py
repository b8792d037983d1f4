"""Who belongs to an event."""

from datetime import datetime
from uuid import UUID

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


def lock_registration(*, user_id: UUID, event_id: UUID) -> None:
    """Lock what a person belongs to an event by, if they do, for the caller's transaction. One statement.

    Ask after this, not before, whether there is a reason left for it: whoever gives one holds the same lock.
    """
    rows = Registration.objects.select_for_update().filter(user_id=user_id, event_id=event_id)
    rows.order_by().values_list("pk", flat=True).first()


def withdraw(*, user_id: UUID, event_id: UUID) -> bool:
    """End what a ticket made: the person belongs to the event no more; returns whether they did.

    Whom the organizer registered stays. Seats that they have taken stay theirs. One statement, after
    ``lock_registration``.
    """
    rows = Registration.objects.filter(user_id=user_id, event_id=event_id, source=RegistrationSource.TICKET)
    return bool(rows.delete()[0])
