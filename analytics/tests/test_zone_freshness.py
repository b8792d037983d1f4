"""While figures are of another time zone than the event's, they are not called new."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.tests.factories import NOW
from ads.models import AdDaily, AdDirtyDay, AdFigures
from ads.services.versions import event_changed
from analytics.models import DailyFigure, DirtyDay
from analytics.selectors.freshness import freshness
from analytics.services.refreshing import refresh_now
from analytics.services.rollup import refresh
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import nothing_known
from common.types import SYSTEM

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def place(settings: Any) -> Place:
    """Return an event with computed days of views and of an ad, all of its zone."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 30
    made = make_place(time_zone="UTC")
    keep(told(made))
    refresh(now=NOW)
    AdFigures.objects.create(event=made.event, time_zone="UTC")
    AdDaily.objects.create(ad=made.ad, event=made.event, day=NOW.date(), impressions=3, computed_at=NOW)
    return made


def move(place: Place) -> None:
    """Change the event's time zone."""
    place.event.time_zone = "Pacific/Apia"
    place.event.save()


def test_days_of_another_zone_wait(place: Place) -> None:
    """REQ AN-02, AN-04: nothing later than their last computing is promised, and a refresh makes them right."""
    assert (freshness(place.event, now=LATER).data_through, DailyFigure.objects.get(entity_id=None).day) == (
        LATER, NOW.date(),
    )  # fmt: skip
    move(place)
    found = freshness(place.event, now=LATER)
    assert (found.pending_days, found.pending_ad_days) == (1, 1)
    assert (found.told_through, found.ads_through, found.is_late) == (NOW, NOW, True)
    # One of the two alone is enough to say so.
    AdFigures.objects.update(time_zone="Pacific/Apia")
    found = freshness(place.event, now=LATER)
    assert (found.pending_ad_days, found.ads_through, found.data_through) == (0, LATER, NOW)
    AdFigures.objects.update(time_zone="UTC")
    assert refresh_now(actor=SYSTEM, event_id=place.event.pk, now=LATER).waiting == 0
    found = freshness(place.event, now=LATER)
    assert (found.pending_days, found.pending_ad_days, found.data_through) == (0, 0, LATER)
    assert DailyFigure.objects.get(entity_id=None).day == NOW.date() + timedelta(days=1)
    assert AdFigures.objects.get().time_zone == "Pacific/Apia"


def test_a_change_of_zone_has_the_days_of_ads_computed(place: Place) -> None:
    """REQ AN-02, AN-04: within seconds, not at the next hour; a change of anything else marks nothing."""
    event_changed(place.event.pk, NOW)
    assert not AdDirtyDay.objects.exists()
    move(place)
    event_changed(place.event.pk, NOW)
    assert AdDirtyDay.objects.get().event_id == place.event.pk
    assert not DirtyDay.objects.exists()
