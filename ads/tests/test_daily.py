"""Stored days equal the raw events: in every zone, under contention, after a change of the zone."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.tests.factories import NOW
from ads.models import Ad, AdDaily, AdDirtyDay, AdFigures, EventKind, InvalidCount
from ads.services import daily
from ads.services.recount import recount
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, redeem, refuse
from common import statements
from common.outbox.models import Job
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from events.tests.factories import make_event

DAY = date(2096, 11, 21)


@pytest.mark.django_db
def test_a_marked_day_is_computed_by_its_job() -> None:
    """Events and their mark commit together; the job computes the day and removes the mark. REQ AD-10."""
    ad = make_ad()
    redeem_some(ad)
    assert AdDirtyDay.objects.count() == 4
    assert Job.objects.filter(kind=daily.RECOMPUTE).count() == 1
    assert run_due(NOW) == 0
    assert run_due(NOW + timedelta(seconds=20)) == 1
    row = AdDaily.objects.get()
    assert (row.ad_id, row.day, row.impressions, row.viewable, row.clicks) == (ad.pk, DAY, 2, 1, 1)
    assert (row.unique_viewers, row.billed_impressions, row.billed_clicks) == (1, 1, 0)
    assert (row.billed_micros, row.unbilled_micros) == (5_000, 12_000)
    assert (row.unbilled_impressions, row.unbilled_clicks) == (1, 1)
    assert not AdDirtyDay.objects.exists()
    daily.recompute(event_id=ad.event_id, day=DAY, now=NOW)
    assert AdDaily.objects.get().billed_micros == 5_000


def redeem_some(ad: Ad) -> None:
    first = happen(ad, NOW - timedelta(minutes=1), billed_micros=5_000)
    AdDirtyDay.objects.create(event_id=ad.event_id, day=DAY, marked_at=NOW)
    redeem(ad, NOW, unbilled_micros=5_000, viewer=first.viewer)
    redeem(ad, NOW, EventKind.VIEWABLE, viewer=first.viewer)
    redeem(ad, NOW, EventKind.CLICK, viewer=first.viewer, unbilled_micros=7_000)


@pytest.mark.django_db(transaction=True)
def test_figures_equal_raw_events_while_many_redeem(race: Race) -> None:
    """A mark that commits while a day is computed stays: at every look a day is right or marked. REQ AD-10."""
    ad, looks = make_ad(), []

    def act(number: int) -> None:
        if number < 6:
            for step in range(8):
                redeem(ad, NOW + timedelta(seconds=number * 10 + step))
        elif number < 8:
            for _ in range(8):
                daily.work(ad.event_id, now=NOW)
        else:
            looks.extend(recount(event_id=ad.event_id, day=DAY) for _ in range(12))

    assert race(9, act) == [None] * 9
    assert not [look for look in looks if look.is_off]
    daily.work(ad.event_id, now=NOW)
    assert AdDaily.objects.get().impressions == 48
    assert not AdDirtyDay.objects.exists()
    assert not recount(event_id=ad.event_id, day=DAY).differences


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_careful", [True, False])
def test_only_the_marks_that_were_read_are_removed(
    race: Race, monkeypatch: pytest.MonkeyPatch, is_careful: bool
) -> None:
    """A mark that commits between the count and the end is kept. Control: with the marks taken away after the count
    instead of before it, the same work loses the event for good. REQ AD-10."""
    ad = make_ad()
    redeem(ad, NOW)
    counted, came = threading.Event(), threading.Event()
    write, unmark = daily.write, daily._UNMARK

    def interrupted(book: daily.Book, day: date, *, now: datetime) -> None:
        write(book, day, now=now)
        counted.set()
        assert came.wait(10)
        if not is_careful:
            statements.run(unmark, [book.event_id])

    monkeypatch.setattr(daily, "write", interrupted)
    if not is_careful:
        only_read = "SELECT DISTINCT day FROM ads_addirtyday WHERE event_id = %s ORDER BY day"
        monkeypatch.setattr(daily, "_UNMARK", only_read)

    def come() -> None:
        counted.wait(10)
        redeem(ad, NOW)
        came.set()

    assert race.each([lambda: daily.work(ad.event_id, now=NOW), come]) == [1, None]
    assert daily.work(ad.event_id, now=NOW) == (1 if is_careful else 0)
    assert AdDaily.objects.get().impressions == (2 if is_careful else 1)
    assert recount(event_id=ad.event_id, day=DAY).is_off is not is_careful


@pytest.mark.django_db
def test_a_changed_zone_computes_all_days_again() -> None:
    """Moving an event to another zone moves its events between days; empty days go. REQ AD-10."""
    ad = make_ad(make_event(time_zone="UTC"))
    late = datetime(2096, 11, 20, 23, 30, tzinfo=UTC)
    for at in (late, late + timedelta(hours=2)):
        redeem(ad, at)
    daily.work_dirty(now=NOW)
    assert figures(ad) == {date(2096, 11, 20): 1, date(2096, 11, 21): 1}
    type(ad.event).objects.filter(pk=ad.event_id).update(time_zone="Asia/Tokyo")
    assert daily.recompute_event(event_id=ad.event_id, now=NOW) == 2
    assert figures(ad) == {date(2096, 11, 21): 2}
    type(ad.event).objects.filter(pk=ad.event_id).update(time_zone="America/New_York")
    # Nobody said so: the job by the clock finds it.
    daily.work_dirty(now=NOW)
    assert figures(ad) == {date(2096, 11, 20): 2}
    assert AdFigures.objects.get().time_zone == "America/New_York"
    assert daily.work_dirty(now=NOW) == 0


@pytest.mark.django_db
def test_refused_events_are_in_the_figures_of_their_local_day() -> None:
    """A quarter is of one day; viewable ones count as impressions, unknown ads as nobody's. REQ AD-04."""
    ad = make_ad(make_event(time_zone="Asia/Kathmandu"))
    midnight = datetime(2096, 11, 20, 18, 15, tzinfo=UTC)
    for slot, kind, count in (
        (midnight, EventKind.IMPRESSION, 3), (midnight, EventKind.VIEWABLE, 2), (midnight, EventKind.CLICK, 4),
        (midnight - timedelta(minutes=15), EventKind.IMPRESSION, 5),
    ):  # fmt: skip
        refuse(ad, slot, kind, count=count)
    InvalidCount.objects.create(
        slot=midnight, event_id=ad.event_id, kind="click", reason="forged", count=9, ad_id=None
    )
    assert daily.recompute_event(event_id=ad.event_id, now=NOW) == 2
    rows = AdDaily.objects.order_by("day").values_list(
        "day", "invalid_impressions", "invalid_clicks", "impressions"
    )
    assert list(rows) == [(date(2096, 11, 20), 5, 0, 0), (date(2096, 11, 21), 5, 4, 0)]


@pytest.mark.django_db
def test_a_hundred_marks_make_one_job_and_two_statements(django_assert_num_queries: Any) -> None:
    """Marking costs two statements, and the jobs of ten seconds are one. REQ AD-10."""
    ad = make_ad()
    days = [(ad.event_id, DAY + timedelta(days=number)) for number in range(100)]
    with django_assert_num_queries(2):
        daily.mark(days, NOW)
    daily.mark(days[:3], NOW + timedelta(seconds=9))
    assert (Job.objects.count(), AdDirtyDay.objects.count()) == (1, 103)
    daily.mark([], NOW)
    daily.mark(days[:3], NOW + timedelta(seconds=10))
    assert Job.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_no_marker_waits_for_another(race: Race) -> None:
    """The job of the slot is there: who marks does not wait for a transaction that marked before. REQ AD-09."""
    ad = make_ad()
    daily.mark([(ad.event_id, DAY)], NOW)
    with transaction.atomic():
        daily.mark([(ad.event_id, DAY)], NOW)
        assert race(1, lambda _: daily.mark([(ad.event_id, DAY)], NOW)) == [None]
    assert AdDirtyDay.objects.count() == 3


def figures(ad: Ad) -> dict[date, int]:
    return dict(AdDaily.objects.filter(ad=ad).values_list("day", "impressions"))
