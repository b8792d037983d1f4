"""Figures of days: right under late, repeated and concurrent events, in any time zone."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import NOW
from analytics.models import DailyFigure, DirtyDay, RawEvent
from analytics.services.known import known
from analytics.services.rollup import recompute, recount, refresh
from analytics.tests.factories import Place, ago, keep, make_place, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def stored(place: Place) -> dict[tuple[date, str, UUID | None], tuple[int, int]]:
    """Return the stored figures of an event."""
    rows = DailyFigure.objects.filter(event=place.event)
    return {(row.day, row.type, row.entity_id): (row.count, row.visitors) for row in rows}


# Days on which clocks change, a zone at each end of the world, and one whose midnight does not exist.
ZONES = [
    ("Europe/Berlin", datetime(2096, 10, 28, tzinfo=UTC)), ("Australia/Lord_Howe", datetime(2096, 4, 1, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2096, 5, 1, tzinfo=UTC)), ("Asia/Kathmandu", datetime(2096, 5, 1, tzinfo=UTC)),
    ("America/Santiago", datetime(2096, 9, 2, 3, tzinfo=UTC)), ("Pacific/Niue", datetime(2096, 5, 1, tzinfo=UTC)),
]  # fmt: skip

_SENT = st.lists(
    st.tuples(
        st.integers(0, 30),  # which event: the same one is a retry
        st.sampled_from([-90_000, -86_400, -3_601, -1, 0, 1, 1_800, 3_599, 3_600, 7_200, 86_399, 86_400]),
        st.sampled_from(["OFFER_VIEW", "OFFER_CLICK", "WAITLIST_JOIN"]),
        st.sampled_from(["a", "b", None]),
        st.integers(0, 7 * 86_400 - 1),  # how late it comes
    ),
    min_size=1,
    max_size=25,
)


@given(zone=st.sampled_from(ZONES), sent=_SENT, looks=st.sets(st.integers(0, 24), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_figures_equal_a_count_by_hand(zone, sent, looks) -> None:
    """REQ AN-10: late, doubled, in any order, around midnight and daylight saving, with refreshes in between."""
    name, around = zone
    with transaction.atomic():
        place = make_place(time_zone=name)
        accepted: dict[int, tuple[datetime, str, str | None]] = {}
        for number, (which, seconds, kind, visitor, late) in enumerate(sent):
            happened = around + timedelta(seconds=seconds)
            event = told(
                place, kind, id=str(UUID(int=which)), timestamp=happened.isoformat(), session_token=visitor
            )
            answer = keep(event, event, now=happened + timedelta(seconds=late))
            is_first = which not in accepted
            accepted.setdefault(which, (happened, kind, visitor))
            assert (answer.queued, answer.duplicates) == ((1, 1) if is_first else (0, 2))
            if number in looks:
                refresh(now=NOW)
        refresh(now=NOW)
        assert stored(place) == by_hand(place, list(accepted.values()), ZoneInfo(name))
        assert not DirtyDay.objects.exists()
        for day in {day for day, _, _ in stored(place)}:
            assert recount(event_id=place.event.pk, day=day) == []
        transaction.set_rollback(True)
    known.forget()


def by_hand(place: Place, accepted: list[tuple[datetime, str, str | None]], zone: ZoneInfo):
    """Count with nothing but Python's own calendar."""
    counts: Counter[tuple[date, str, UUID | None]] = Counter()
    visitors: dict[tuple[date, str, UUID | None], set[str]] = {}
    for happened, kind, visitor in accepted:
        entity = place.offer.pk if kind[0] == "O" else place.session.pk
        for key in (
            (happened.astimezone(zone).date(), kind, entity),
            (happened.astimezone(zone).date(), kind, None),
        ):
            counts[key] += 1
            visitors.setdefault(key, set()).update([visitor] if visitor else [])
    return {key: (count, len(visitors[key])) for key, count in counts.items()}


def closing(act: Callable[[], None]) -> threading.Thread:
    """Return a thread that closes its connection when it has done it."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    return threading.Thread(target=run)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_or_doubled_in_parallel() -> None:
    """REQ AN-10: eight front ends send the same and other events while two workers compute, again and again."""
    place = make_place()
    shared = [told(place, timestamp=ago(minutes=minute)) for minute in range(20)]
    own = [[told(place, timestamp=ago(hours=hour)) for hour in range(20)] for _ in range(8)]
    queued, over = [], threading.Event()

    def send(mine: list[dict[str, Any]]) -> None:
        for one, other in zip(mine, shared, strict=True):
            queued.append(keep(one, other).queued)

    def work() -> None:
        while not over.is_set():
            refresh(now=NOW)

    workers = [closing(work) for _ in range(2)]
    senders = [closing(partial(send, mine)) for mine in own]
    for thread in (*workers, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    over.set()
    for thread in workers:
        thread.join()
    refresh(now=NOW)
    assert sum(queued) == RawEvent.objects.count() == 20 + 8 * 20
    assert sum(count for (_, _, entity), (count, _) in stored(place).items() if entity is None) == 180
    assert not DirtyDay.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_during_a_computation_stays_marked() -> None:
    """REQ AN-10: an event that commits after the marks were read keeps its own mark, so it is counted next time."""
    place = make_place()
    keep(told(place))
    marks = list(DirtyDay.objects.values_list("pk", flat=True))

    def late():
        keep(told(place))
        connection.close()

    with transaction.atomic():
        recompute(event_id=place.event.pk, day=NOW.date(), now=NOW)
        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
    left = list(DirtyDay.objects.values_list("pk", flat=True))
    assert len(left) == 1
    assert left != marks
    refresh(now=NOW)
    assert stored(place)[(NOW.date(), "OFFER_VIEW", None)] == (2, 1)


def test_a_day_whose_raw_events_may_be_gone_stays_as_it_is(settings) -> None:
    """REQ AN-10: retention takes raw events, never figures; a mark of such a day is let go."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 3
    place = make_place()
    keep(told(place, timestamp=ago(days=4)), told(place, timestamp=ago(days=2)))
    DailyFigure.objects.create(
        event=place.event, day=(NOW - timedelta(days=4)).date(), type="OFFER_VIEW", count=7, visitors=5,
        computed_at=NOW,
    )  # fmt: skip
    refresh(now=NOW)
    counts = {day: value for (day, _, entity), value in stored(place).items() if entity is None}
    assert counts == {(NOW - timedelta(days=4)).date(): (7, 5), (NOW - timedelta(days=2)).date(): (1, 1)}
    assert not DirtyDay.objects.exists()


def test_a_figure_that_was_tampered_with_is_found() -> None:
    """REQ AN-10: the recount names what differs, and computing again repairs it."""
    place = make_place()
    keep(told(place))
    refresh(now=NOW)
    DailyFigure.objects.filter(entity_id=None).update(count=9)
    DailyFigure.objects.create(
        event=place.event,
        day=NOW.date(),
        type="AD_CLICK",
        count=1,
        visitors=1,
        computed_at=NOW,
        entity_id=uuid4(),
    )
    found = recount(event_id=place.event.pk, day=NOW.date())
    assert [(one.type, one.stored, one.counted) for one in found] == [
        ("AD_CLICK", (1, 1), None), ("OFFER_VIEW", (9, 1), (1, 1)),
    ]  # fmt: skip
    recompute(event_id=place.event.pk, day=NOW.date(), now=NOW)
    assert recount(event_id=place.event.pk, day=NOW.date()) == []


def test_marks_of_an_event_that_is_gone() -> None:
    """A mark without its event is let go."""
    DirtyDay.objects.create(event_id=uuid4(), day=NOW.date(), marked_at=NOW)
    assert refresh(now=NOW).failures == 0
    assert not DirtyDay.objects.exists()
