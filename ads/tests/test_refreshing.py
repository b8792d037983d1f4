"""The materialized view equals a recount in every zone, and is made anew while others read it."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import NOW
from ads import tasks
from ads.models import AdDaily, AdDirtyDay, AdRun
from ads.services import daily, refreshing
from ads.services.recount import recount
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, many, partitions_put_back, raw_days, redeem, refuse
from common.metrics import exposition
from config.local_stack.testing.race import Race
from events.services.events import known_time_zones
from events.tests.factories import make_event

DAY = date(2096, 11, 21)
ZONES = (
    "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "America/New_York", "Pacific/Apia",
    "Pacific/Kiritimati", "Etc/GMT+12", "Africa/Casablanca", "America/St_Johns", "America/Havana", "Asia/Tehran",
    "America/Nuuk", "Africa/Cairo", "Pacific/Chatham",
)  # fmt: skip
# Beside midnights and nights in which clocks were changed: years with daylight saving in Brazil, Samoa's lost day.
NIGHTS = [date(2012, 10, 21), date(2013, 2, 17), date(2018, 11, 4), date(2019, 2, 17), date(2011, 12, 30)]
NIGHTS += [date(2024, 3, 10), date(2024, 3, 31), date(2024, 4, 7), date(2024, 10, 6), date(2024, 11, 3)]
NEAR = st.builds(
    lambda day, hours, micros: datetime(day.year, day.month, day.day, tzinfo=UTC)
    + timedelta(hours=hours, microseconds=micros),
    st.sampled_from(NIGHTS), st.integers(-26, 50), st.sampled_from([-1, 0, 1, 899_999_999, 1_800_000_000]),
)  # fmt: skip


def view() -> dict[tuple[Any, date], int]:
    """Read the view's impressions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ad_id, day, impressions FROM ad_analytics_daily")
        return {(ad_id, day): impressions for ad_id, day, impressions in cursor.fetchall()}


@pytest.mark.django_db
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip
@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=3, unique=True),
    instants=st.lists(NEAR, min_size=4, max_size=9),
)
def test_every_figure_equals_a_recount_in_any_zone(zones: list[str], instants: list[datetime]) -> None:
    """View, stored days and a count in Python agree, around midnights and changes of clocks. REQ AD-10."""
    with transaction.atomic():
        ads = [make_ad(make_event(time_zone=zone)) for zone in zones]
        for ad in ads:
            for at in instants:
                happen(ad, at)
            daily.recompute_event(event_id=ad.event_id, now=NOW)
        refreshing.refresh_view()
        by_hand = {(ad.pk, day): count for ad in ads for day, count in raw_days(ad).items()}
        assert view() == by_hand
        assert {(row.ad_id, row.day): row.impressions for row in AdDaily.objects.all()} == by_hand
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_database_knows_every_zone_that_an_event_may_have() -> None:
    """No zone that is taken for an event makes the figures of all events fail. REQ AD-06."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        known = {name for (name,) in cursor.fetchall()}
    assert sorted(known_time_zones() - known) == []
    assert set(ZONES) <= known


@pytest.mark.django_db(transaction=True)
def test_readers_never_wait_and_never_see_half(race: Race) -> None:
    """While the view is made anew twenty times, a reader in a loop sees one whole state or the next. REQ AD-06."""
    ad, done, seen = make_ad(), threading.Event(), set()
    many(ad, [DAY], 50)
    refreshing.refresh_view()

    def write() -> None:
        for _ in range(20):
            with transaction.atomic():
                happen(ad, NOW)
                happen(ad, NOW - timedelta(days=1))
            refreshing.refresh_view()
        done.set()

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 1")
            while not done.is_set():
                cursor.execute("SELECT count(*), sum(impressions), max(impressions) FROM ad_analytics_daily")
                seen.add(cursor.fetchone())

    assert race.each([write, read]) == [None, None]
    assert len(seen) > 2
    for days, total, most in seen:
        assert (days, total - most) in {(1, 0), (2, most - 50)}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_the_work_once(race: Race) -> None:
    """One makes the view anew, the other sees that and leaves. REQ AD-06."""
    redeem(make_ad(), NOW)
    with transaction.atomic():
        assert refreshing.refresh_view()
        assert race(2, lambda _: refreshing.refresh_view()) == [False, False]
    assert refreshing.refresh_view()


@pytest.mark.django_db
def test_the_hourly_job_heals_what_lost_its_mark() -> None:
    """A day whose mark was lost differs from the view and is computed; refused events get in; it is told. REQ AD-06."""
    ad, refused = make_ad(), make_ad()
    redeem(ad, NOW)
    daily.work_dirty(now=NOW)
    happen(ad, NOW)
    refuse(refused, NOW.replace(minute=0), count=4)
    assert recount(event_id=ad.event_id, day=DAY).is_off
    later = NOW + timedelta(hours=1)
    assert refreshing.refresh_daily(now=later)
    assert AdDaily.objects.get(ad=ad).impressions == 2
    assert AdDaily.objects.get(ad=refused).invalid_impressions == 4
    assert not AdDirtyDay.objects.exists()
    assert AdRun.objects.get(pk="refresh_daily").succeeded_at == later
    told = exposition().decode()
    (line,) = [
        one for one in told.splitlines() if one.startswith("marquee_ads_last_success_timestamp_seconds{")
    ]
    assert (line.split()[0].split("{")[1], float(line.split()[1])) == (
        'job="refresh_daily"}',
        later.timestamp(),
    )
    assert "marquee_ads_days_behind_seconds 0.0" in told


@pytest.mark.django_db
def test_a_view_that_takes_too_long_leaves_the_last_good_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No transaction lasts over a minute: the refresh ends, says so, and what was there is read on. REQ AD-06."""
    assert refreshing._MILLISECONDS < 60_000
    ad = make_ad()
    happen(ad, NOW)
    assert refreshing.refresh_view()
    many(ad, [DAY], 200)
    monkeypatch.setattr(refreshing, "_MILLISECONDS", 1)
    assert not refreshing.refresh_daily(now=NOW)
    assert "ad_view_too_slow" in caplog.text
    assert view() == {(ad.pk, DAY): 1}
    assert not AdRun.objects.exists()
    monkeypatch.undo()
    assert refreshing.refresh_daily(now=NOW)
    assert view() == {(ad.pk, DAY): 201}


@pytest.mark.django_db
def test_a_day_that_is_off_is_named_and_repaired(capsys: pytest.CaptureFixture[str]) -> None:
    """The command tells each wrong figure with exit code 1, changes nothing when dry, and repairs. REQ AD-10."""
    ad = make_ad()
    redeem(ad, NOW)
    daily.work_dirty(now=NOW)
    call_command("recount_ads")
    AdDaily.objects.update(impressions=9)
    with pytest.raises(SystemExit) as dry:
        call_command("recount_ads", "--dry-run", f"--event={ad.event_id}", "--day=2096-11-21")
    assert (dry.value.code, AdDaily.objects.get().impressions) == (1, 9)
    with pytest.raises(SystemExit):
        call_command("recount_ads")
    assert AdDaily.objects.get().impressions == 1
    redeem(ad, NOW)
    call_command("recount_ads")
    told = capsys.readouterr().out
    assert f"{ad.pk}  impressions" in told
    assert "would be computed anew" in told
    assert told.endswith("1 days compared, 0 off, 1 wait to be computed\n")
    with pytest.raises(Exception, match="There is no such event") as missing:
        call_command("recount_ads", "--event=00000000-0000-0000-0000-000000000000")
    assert missing.value.returncode == 2  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_the_jobs_of_the_clock_tell_that_they_ran() -> None:
    """Each beat job leaves when it succeeded. REQ AD-06."""
    with partitions_put_back():
        tasks.deactivate_ended_ads()
        tasks.refresh_daily()
        tasks.make_partitions()
        tasks.drop_old_events()
    assert set(AdRun.objects.values_list("job", flat=True)) == {
        "deactivate_ended", "refresh_daily", "make_partitions", "drop_old_events"
    }  # fmt: skip


@pytest.mark.django_db
def test_the_view_is_made_anew_by_a_role_without_powers() -> None:
    """Who migrated owns the view and refreshes it; no superuser is needed. REQ AD-06."""
    ad = make_ad()
    happen(ad, NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
    assert refreshing.refresh_view()
    assert view() == {(ad.pk, DAY): 1}
