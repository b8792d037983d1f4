"""Days whose figures cannot be computed: what is counted, who is called, and that nobody else waits for them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from accounts.tests.factories import NOW
from analytics.models import DirtyDay, Refresh
from analytics.services import rollup
from analytics.services.holding import locked_event
from analytics.services.rollup import refresh
from analytics.tests.factories import ago, keep, make_place, told
from analytics.tests.figures import nothing_known
from analytics.tests.test_rollup import stored

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


def test_one_day_that_fails_does_not_hold_back_the_others() -> None:
    """REQ AN-04: it stays dirty, is counted, and called for after three in a row; a success forgets them."""
    place, other = make_place(), make_place()
    keep(told(place), told(other))
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE analytics_dailyfigure ADD CONSTRAINT no_luck CHECK (event_id <> '{place.event.pk}')"
        )
        for failures in (1, 2, 3):
            assert refresh(now=NOW).failures == 1
            assert Refresh.objects.get(pk=place.event.pk).failures == failures
        assert "no_luck" in Refresh.objects.get(pk=place.event.pk).last_error
        assert stored(other)[(NOW.date(), "OFFER_VIEW", None)] == (1, 1)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_dailyfigure DROP CONSTRAINT no_luck")
    later = NOW + timedelta(minutes=1)
    assert (refresh(now=later).days, refresh(now=later).days) == (1, 0)
    state = Refresh.objects.get(pk=place.event.pk)
    assert (state.failures, state.last_error, state.succeeded_at) == (0, "", later)
    assert stored(place)[(NOW.date(), "OFFER_VIEW", None)] == (1, 1)


def test_a_good_day_does_not_hide_a_bad_one_of_the_same_event() -> None:
    """REQ AN-04: a round is one failure however many days of the event fail in it; the third calls for help."""
    place = make_place()
    bad = [(NOW - timedelta(days=days)).date() for days in (1, 2)]
    keep(told(place, timestamp=ago(days=1)), told(place, timestamp=ago(days=2)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE analytics_dailyfigure ADD CONSTRAINT no_luck CHECK (day NOT IN ('{bad[0]}', '{bad[1]}'))"
        )
        with capture_logs() as logs:
            for failures in (1, 2, 3):
                keep(told(place))
                assert refresh(now=NOW) == rollup.Worked(days=1, failures=2)
                assert Refresh.objects.get(pk=place.event.pk).failures == failures
                assert stored(place)[(NOW.date(), "OFFER_VIEW", None)] == (failures, 1)
        alarms = [one["log_level"] for one in logs if one["event"] == "analytics refresh failed"]
        assert alarms == ["warning", "warning", "error"]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_dailyfigure DROP CONSTRAINT no_luck")
    assert refresh(now=NOW, limit=1) == rollup.Worked(days=1, failures=0)
    assert Refresh.objects.get(pk=place.event.pk).failures == 3, "the other one still waits"
    assert refresh(now=NOW) == rollup.Worked(days=1, failures=0)
    assert Refresh.objects.get(pk=place.event.pk).failures == 0


def test_a_day_that_always_fails_starves_nobody() -> None:
    """REQ AN-04: however many marks it has it is one day, at the end of the line, of its own event too."""
    place, other = make_place(), make_place()
    day = NOW.date()
    DirtyDay.objects.bulk_create(
        DirtyDay(event_id=place.event.pk, day=day, marked_at=NOW - timedelta(hours=1)) for _ in range(25)
    )
    keep(told(place), now=NOW)
    keep(told(place, timestamp=ago(days=1)), now=NOW)
    keep(told(other), now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE analytics_dailyfigure ADD CONSTRAINT no_luck "
            f"CHECK (event_id <> '{place.event.pk}' OR day <> '{day}')"
        )
    assert refresh(now=NOW, limit=1) == rollup.Worked(days=0, failures=1)
    assert DirtyDay.objects.get(event_id=place.event.pk, day=day).marked_at == NOW - timedelta(hours=1)
    assert refresh(now=NOW, limit=1) == rollup.Worked(days=1, failures=0)
    assert stored(other)[(day, "OFFER_VIEW", None)] == (1, 1)
    assert refresh(now=NOW, event_id=place.event.pk, limit=1) == rollup.Worked(days=1, failures=0)
    assert refresh(now=NOW) == rollup.Worked(days=0, failures=1)
    assert [(mark.event_id, mark.day) for mark in DirtyDay.objects.all()] == [(place.event.pk, day)]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_somebody_holds_does_not_hold_back_the_others() -> None:
    """REQ AN-04: its day is left to whoever computes it now, at once, and that is no failure."""
    place, other = make_place(), make_place()
    keep(told(place), told(other))
    is_held, is_over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            locked_event(place.event.pk)
            is_held.set()
            is_over.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(20)
    try:
        assert refresh(now=NOW) == rollup.Worked(days=1, failures=0)
    finally:
        is_over.set()
        holder.join()
    assert DirtyDay.objects.get().event_id == place.event.pk
    assert not Refresh.objects.filter(failures__gt=0).exists()
    assert stored(other)[(NOW.date(), "OFFER_VIEW", None)] == (1, 1)
    assert refresh(now=NOW) == rollup.Worked(days=1, failures=0)
    assert not DirtyDay.objects.exists()
