"""How new an event's figures are."""

from datetime import datetime

from django.db.models import Count, Min

from ads.models import AdDirtyDay
from analytics.models import DirtyDay, Refresh
from analytics.types.figures import Freshness
from events.models import Event


def freshness(event: Event, *, now: datetime) -> Freshness:
    """Say until when the figures hold what was told, those of ads too, and how the computing goes. Three statements."""
    waiting = DirtyDay.objects.filter(event_id=event.pk).aggregate(
        oldest=Min("marked_at"), days=Count("day", distinct=True)
    )
    of_ads = AdDirtyDay.objects.filter(event_id=event.pk).aggregate(
        oldest=Min("marked_at"), days=Count("day", distinct=True)
    )
    state = Refresh.objects.filter(pk=event.pk).first()
    return Freshness(
        as_of=now,
        told_through=min(waiting["oldest"] or now, now),
        ads_through=min(of_ads["oldest"] or now, now),
        pending_days=waiting["days"],
        pending_ad_days=of_ads["days"],
        failures=state.failures if state else 0,
        last_error=state.last_error if state else "",
    )
