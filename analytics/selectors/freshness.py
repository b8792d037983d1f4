"""How new an event's figures are."""

from datetime import datetime

from django.db.models import Count, Min

from analytics.models import DirtyDay, Refresh
from analytics.types.figures import Freshness
from events.models import Event


def freshness(event: Event, *, now: datetime) -> Freshness:
    """Say until when the figures hold what was told, how many days wait, whether refreshing fails. Two statements."""
    waiting = DirtyDay.objects.filter(event_id=event.pk).aggregate(
        oldest=Min("marked_at"), days=Count("day", distinct=True)
    )
    state = Refresh.objects.filter(pk=event.pk).first()
    return Freshness(
        as_of=now,
        data_through=waiting["oldest"] or now,
        pending_days=waiting["days"],
        failures=state.failures if state else 0,
        last_error=state.last_error if state else "",
    )
