"""Keeping tickets from opening doors while their money is in question. The caller has locked them."""

from datetime import datetime

from django.db.models import QuerySet

from common.facts import TicketsReduced
from common.outbox import publish
from events.services.registrations import lock_registration
from tickets.models import Ticket


def stop(tickets: QuerySet[Ticket], *, reason: str, now: datetime) -> None:
    """Let the tickets open no door, and count for nothing, while the reason stands; say whom it leaves with less.

    Another reason for what is stopped already is written down, and told to nobody.
    """
    usable = tickets.filter(stopped_reason="").order_by("holder_id", "event_id")
    holders = list(usable.values_list("holder_id", "event_id", "event__organization_id").distinct())
    tickets.update(stopped_reason=reason[:200] or "Stopped")
    for holder_id, event_id, organization_id in holders:
        # As where tickets are voided: who asks for their best ticket meanwhile holds the same lock.
        lock_registration(user_id=holder_id, event_id=event_id)
        publish(TicketsReduced(holder_id, event_id), now=now, organization_id=organization_id)
