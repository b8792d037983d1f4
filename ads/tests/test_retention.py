"""Old raw events go, whole partitions at a time; the figures of their days stay."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from ads.models import Ad, AdDaily, AdDirtyDay, AdEvent, AdFigures, InvalidCount, InvalidSample
from ads.services import daily, partitions, refreshing, retention
from ads.services.recount import recount
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, many, partitions_put_back, raw_days, redeem, refuse
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event

CUTOFF = NOW.date() - timedelta(days=90)
EDGE = datetime.combine(CUTOFF, time.min, tzinfo=UTC)


def totals() -> dict[str, int]:
    """Add up what is stored of all ads, and what the view has."""
    stored = AdDaily.objects.aggregate(all=Sum("impressions"), refused=Sum("invalid_impressions"))
    refreshing.refresh_view()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(sum(impressions), 0)::bigint FROM ad_analytics_daily")
        (seen,) = cursor.fetchone()
    return {**stored, "view": seen}


def ours(dropped: retention.Dropped) -> list[str]:
    """Return the dropped partitions of the tests' century: those of today were made by the migration."""
    return [name for name in dropped.partitions if name.startswith("ads_adevent_2096")]


@pytest.mark.django_db
@hypothesis(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip
@given(
    zones=st.lists(
        st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "UTC", "Asia/Kathmandu", "America/Sao_Paulo"]),
        min_size=2, max_size=3, unique=True,
    ),
    hours=st.lists(st.integers(-80, 80), min_size=3, max_size=8), minutes=st.sampled_from([0, 1, 59]),
)  # fmt: skip
def test_no_day_of_any_zone_loses_an_event(zones: list[str], hours: list[int], minutes: int) -> None:
    """Around the edge, from UTC+14 to UTC-12: each day keeps the figures that all its raw events gave. REQ AD-06."""
    with transaction.atomic():
        ads = [make_ad(make_event(time_zone=zone)) for zone in zones]
        for ad in ads:
            for hour in hours:
                at = EDGE + timedelta(hours=hour, minutes=minutes)
                # Its token was issued up to an hour before.
                happen(ad, at, issued=(at - timedelta(minutes=minutes)).date())
        by_hand = {(ad.pk, day): count for ad in ads for day, count in raw_days(ad).items()}
        dropped = retention.drop_old(now=NOW)
        assert not AdEvent.objects.filter(issue_day__lt=CUTOFF).exists()
        assert AdEvent.objects.filter(issue_day__gte=CUTOFF).count() == len(zones) * sum(
            (EDGE + timedelta(hours=hour)).date() >= CUTOFF for hour in hours
        )
        for ad in ads:
            daily.recompute_event(event_id=ad.event_id, now=NOW)
        assert {(row.ad_id, row.day): row.impressions for row in AdDaily.objects.all()} == by_hand
        refreshing.refresh_view()
        assert totals()["view"] == len(zones) * len(hours)
        assert all(name < partitions.EVENTS.name_of(CUTOFF) for name in dropped.partitions)
        # Again, and a day later: nothing is counted twice or lost.
        assert retention.drop_old(now=NOW).partitions == ()
        retention.drop_old(now=NOW + timedelta(days=1))
        for ad in ads:
            daily.recompute_event(event_id=ad.event_id, now=NOW)
        assert {(row.ad_id, row.day): row.impressions for row in AdDaily.objects.all()} == by_hand
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_frozen_days_are_the_record() -> None:
    """A frozen day refuses to be computed, forgets its marks, and is not held against deleted events. REQ AD-10."""
    ad = make_ad()
    old = EDGE - timedelta(days=3)
    redeem(ad, old)
    redeem(ad, NOW)
    refuse(ad, old, count=5)
    retention.drop_old(now=NOW)
    assert set(AdDirtyDay.objects.values_list("day", flat=True)) == {NOW.date()}
    with pytest.raises(daily.DayFrozen):
        daily.recompute(event_id=ad.event_id, day=old.date(), now=NOW)
    daily.mark([(ad.event_id, old.date())], NOW)
    assert daily.work_dirty(now=NOW) == 1
    row = AdDaily.objects.get(day=old.date())
    assert (row.impressions, row.invalid_impressions, row.frozen_at) == (1, 5, NOW)
    assert recount(event_id=ad.event_id, day=old.date()).is_frozen
    assert not AdDirtyDay.objects.exists()


@pytest.mark.django_db
def test_a_changed_zone_moves_nothing_out_of_frozen_days() -> None:
    """After a move from UTC+14 to UTC-12 and back every event counts once. REQ AD-10."""
    ad = make_ad(make_event(time_zone="Pacific/Kiritimati"))
    for hour in range(-72, 96, 3):
        redeem(ad, EDGE + timedelta(hours=hour))
    retention.drop_old(now=NOW)
    daily.work_dirty(now=NOW)
    frozen = dict(AdDaily.objects.exclude(frozen_at=None).values_list("day", "impressions"))
    for zone in ("Etc/GMT+12", "UTC", "Pacific/Kiritimati"):
        Event.objects.filter(pk=ad.event_id).update(time_zone=zone)
        daily.work_dirty(now=NOW)
        assert totals() == {"all": 56, "view": 56, "refused": 0}, zone
        assert dict(AdDaily.objects.exclude(frozen_at=None).values_list("day", "impressions")) == frozen


@pytest.mark.django_db
def test_what_was_refused_is_forgotten_in_time() -> None:
    """Samples and counts older than the retention go, the counts after their days hold them. REQ AD-06."""
    ad = make_ad()
    for at in (EDGE - timedelta(minutes=15), EDGE):
        refuse(ad, at, count=2)
        InvalidCount.objects.create(slot=at, kind="click", reason="forged", count=1)
        InvalidSample.objects.create(occurred_at=at, kind="click", reason="forged")
    dropped = retention.drop_old(now=NOW)
    assert (dropped.samples, dropped.counts, dropped.events) == (1, 2, 1)
    assert {row.slot for row in InvalidCount.objects.all()} == {EDGE}
    assert InvalidSample.objects.get().occurred_at == EDGE
    assert AdDaily.objects.aggregate(all=Sum("invalid_impressions"))["all"] == 4


@pytest.mark.django_db
def test_an_event_that_no_frozen_day_holds_keeps_its_partition(caplog: pytest.LogCaptureFixture) -> None:
    """Dropping asks first: were one left out, the partition stays and an error says so. REQ AD-06."""
    ad = make_ad()
    redeem(ad, EDGE - timedelta(days=3))
    retention.drop_old(now=NOW)
    stray = EDGE - timedelta(days=2)
    # Issued long ago, counted today: no token lives as long.
    happen(ad, NOW, issued=stray.date())
    assert retention.drop_old(now=NOW).partitions == ()
    assert AdEvent.objects.filter(issue_day=stray.date()).count() == 1


@pytest.mark.django_db
def test_days_that_are_not_over_are_never_frozen(settings: Settings) -> None:
    """A retention of less than five days is refused, and nothing is deleted. REQ AD-06."""
    redeem(make_ad(), NOW - timedelta(days=30))
    settings.AD_EVENT_RETENTION_DAYS = 4
    with pytest.raises(ImproperlyConfigured, match="at least 5"):
        retention.drop_old(now=NOW)
    assert AdEvent.objects.count() == 1


@pytest.fixture
def aged(transactional_db: None) -> Iterator[Ad]:
    """Give an ad with 40 events before the edge and 40 behind it, and put the partitions back."""
    with partitions_put_back():
        ad = make_ad()
        many(ad, [CUTOFF + timedelta(days=ago) for ago in range(-4, 4)], 10)
        yield ad


@pytest.mark.parametrize("step", ["freeze", "_drop_frozen", "_forget"])
def test_a_run_that_is_killed_is_made_up_for(aged: Ad, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Killed before any step, the next run ends it; figures are the same before, between and after. REQ AD-06."""

    class Killed(BaseException):
        """What no code of ours catches."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    daily.recompute_event(event_id=aged.event_id, now=NOW)
    before = totals()
    with monkeypatch.context() as patch:
        patch.setattr(retention, step, die)
        with pytest.raises(Killed):
            retention.drop_old(now=NOW)
    daily.recompute_event(event_id=aged.event_id, now=NOW)
    assert totals() == before
    dropped = retention.drop_old(now=NOW)
    daily.recompute_event(event_id=aged.event_id, now=NOW)
    assert totals() == before == {"all": 80, "view": 80, "refused": 0}
    assert AdEvent.objects.count() == 40
    assert len(ours(dropped)) == (0 if step == "_forget" else 4)


def test_two_runs_at_once_drop_once(aged: Ad, race: Race) -> None:
    """Two beat workers, one set of partitions dropped, one frozen event, while others insert. REQ AD-06."""
    daily.recompute_event(event_id=aged.event_id, now=NOW)

    def insert() -> None:
        for second in range(60):
            redeem(aged, NOW + timedelta(seconds=second))

    first, second, third = race.each(
        [lambda: retention.drop_old(now=NOW), lambda: retention.drop_old(now=NOW), insert]
    )
    assert isinstance(first, retention.Dropped), first
    assert isinstance(second, retention.Dropped), second
    assert third is None
    assert sorted(ours(first) + ours(second)) == [
        partitions.EVENTS.name_of(CUTOFF - timedelta(days=ago)) for ago in (4, 3, 2, 1)
    ]
    assert first.events + second.events == 1
    daily.work_dirty(now=NOW)
    assert totals()["all"] == totals()["view"] == 140
    assert AdFigures.objects.get().frozen_day == CUTOFF + timedelta(days=1)


def test_rows_of_the_default_partition_are_moved_while_others_insert(aged: Ad, race: Race) -> None:
    """Every row ends in its day's partition, none is lost or refused, and none waits for long. REQ AD-06."""
    done = threading.Event()
    count = [0, 0]

    def insert(number: int) -> None:
        while not done.is_set():
            redeem(aged, NOW + timedelta(seconds=number))
            redeem(aged, NOW + timedelta(days=40))
            count[number] += 2

    def move() -> list[str]:
        try:
            return partitions.ensure_ahead(now=NOW) + partitions.ensure_ahead(now=NOW)
        finally:
            done.set()

    made, *others = race.each([move, lambda: insert(0), lambda: insert(1)])
    assert others == [None, None]
    assert isinstance(made, list), made
    partitions.ensure_ahead(now=NOW)
    assert AdEvent.objects.count() == 80 + sum(count)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ads_adevent_default")
        assert cursor.fetchone() == (0,)
    assert {NOW.date() + timedelta(days=ahead) for ahead in range(-1, 15)} <= partitions.existing().keys()
    assert partitions.ensure_ahead(now=NOW) == []
