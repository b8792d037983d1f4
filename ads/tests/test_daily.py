"""Stored days equal the raw events: in every zone, under contention, after a change of the zone."""

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from accounts.tests.factories import NOW
from ads.models import AdDaily, AdDirtyDay, AdFigures, EventKind, InvalidCount
from ads.services import daily
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, redeem
from common.outbox.models import Job
from common.outbox.testing import run_due
from events.tests.factories import make_event

DAY = date(2096, 11, 21)


@pytest.mark.django_db
def test_a_marked_day_is_computed_by_its_job() -> None:
    """Events and their mark commit together; the job computes the day and removes the mark. REQ AD-10."""
    ad = make_ad()
    viewer = redeem_some(ad)
    assert AdDirtyDay.objects.count() == 4 and Job.objects.filter(kind=daily.RECOMPUTE).count() == 1
    assert run_due(NOW) == 0
    assert run_due(NOW + timedelta(seconds=20)) == 1
    row = AdDaily.objects.get()
    assert (row.ad_id, row.day, row.impressions, row.viewable, row.clicks) == (ad.pk, DAY, 2, 1, 1)
    assert (row.unique_viewers, row.billed_impressions, row.billed_clicks) == (1, 1, 0)
    assert (row.billed_micros, row.unbilled_micros) == (5_000, 12_000)
    assert (row.unbilled_impressions, row.unbilled_clicks) == (1, 1)
    assert not AdDirtyDay.objects.exists() and viewer
    daily.recompute(event_id=ad.event_id, day=DAY, now=NOW)
    assert AdDaily.objects.get().billed_micros == 5_000


def redeem_some(ad):
    first = happen(ad, NOW - timedelta(minutes=1), billed_micros=5_000)
    AdDirtyDay.objects.create(event_id=ad.event_id, day=DAY, marked_at=NOW)
    redeem(ad, NOW, unbilled_micros=5_000, viewer=first.viewer)
    redeem(ad, NOW, EventKind.VIEWABLE, viewer=first.viewer)
    redeem(ad, NOW, EventKind.CLICK, viewer=first.viewer, unbilled_micros=7_000)
    return first.viewer
