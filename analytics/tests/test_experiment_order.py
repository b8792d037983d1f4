"""What front ends tell of experiments counts by its time, in whatever order it comes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import NOW
from analytics.models import Experiment, Exposure
from analytics.services.experiments.checking import visitor_of
from analytics.services.experiments.results import results
from analytics.tests.experiments import make_experiment, said, tell
from analytics.types.tracking import Tracked
from common.types import SYSTEM
from config.local_stack.testing.race import Race

pytestmark = pytest.mark.django_db


def test_a_goal_that_comes_before_its_view_waits_for_it() -> None:
    """REQ AN-08, AN-10: a beacon overtakes the request with the view; the goal counts when the view comes."""
    experiment = make_experiment(running=True)

    def at(seconds: int) -> str:
        return (NOW - timedelta(hours=1) + timedelta(seconds=seconds)).isoformat()

    goal = said(experiment, "me", "goal_conversion", goal_value=100, timestamp=at(5))
    early = said(experiment, "you", "goal_conversion", goal_value=7, timestamp=at(5))
    first = tell(goal, early)
    assert (first.queued, first.duplicates, first.rejected) == (2, 0, [])
    assert told_of(experiment) == (0, 0, 0, {"no_exposure": 2})
    second = tell(said(experiment, "me", timestamp=at(0)), goal)
    assert (second.queued, second.duplicates) == (1, 1)
    assert told_of(experiment) == (1, 1, 100, {"no_exposure": 1})
    # Of the other it turns out that they saw it long after: the goal is none of the experiment's.
    assert tell(said(experiment, "you", timestamp=at(500))).queued == 1
    assert told_of(experiment) == (2, 1, 100, {})


def told_of(experiment: Experiment) -> tuple[int, int, int, dict[str, int]]:
    """Return people, goals, what they are worth, and what was refused, as the results say it."""
    found = results(actor=SYSTEM, ref=experiment.slug, now=NOW)
    worth = sum(one.revenue.amount for one in found.variants)
    return found.total_impressions, found.total_conversions, worth, found.refused


def test_the_earliest_goal_counts_whenever_it_is_told() -> None:
    """REQ AN-08: the value is of the goal that was reached first, not of the batch that came first."""
    experiment = make_experiment(running=True)
    tell(said(experiment, "me", timestamp=(NOW - timedelta(hours=1)).isoformat()))
    for minutes, value, fresh in ((10, 9_000, 1), (30, 100, 0), (20, 50, 0)):
        then = (NOW - timedelta(minutes=minutes)).isoformat()
        told = tell(said(experiment, "me", "goal_conversion", goal_value=value, timestamp=then))
        assert (told.queued, told.duplicates) == (fresh, 1 - fresh)
    assert told_of(experiment) == (1, 1, 100, {})


_EVENTS = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["variant_view", "goal_conversion", "secondary_metric"]),
    st.integers(0, 9),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(_EVENTS, min_size=1, max_size=8), min_size=1, max_size=5))
def test_counts_equal_a_recount(batches: list[list[tuple[int, str, int]]]) -> None:
    """REQ AN-08: whatever is told in whatever order, doubled, the rows are what all of it together gives by time."""
    experiment = make_experiment(running=True)
    told_by = [said(experiment, f"v{who}") for who in range(4)]
    fresh = 0
    for batch in batches:
        told = tell(*({**told_by[who], **_happened(kind, minute)} for who, kind, minute in batch))
        fresh += told.queued
        assert (told.queued + told.duplicates, told.rejected) == (len(batch), [])
    everything = [one for batch in batches for one in batch]
    expected = {
        visitor_of(f"v{who}", experiment.pk): tuple(
            min((minute for other, one, minute in everything if (other, one) == (who, kind)), default=None)
            for kind in ("variant_view", "goal_conversion", "secondary_metric")
        )
        for who in {who for who, _, _ in everything}
    }
    rows = Exposure.objects.filter(experiment=experiment)
    assert {row.visitor: _minutes(row) for row in rows} == expected
    assert all(row.value == (_minutes(row)[1] or 0) for row in rows)
    assert fresh == sum(one is not None for times in expected.values() for one in times)


_BEGAN = NOW - timedelta(hours=1)


def _happened(kind: str, minute: int) -> dict[str, Any]:
    """Return when it happened: goals after every view. The value names the minute."""
    later = 0 if kind == "variant_view" else 10
    goal = {"goal_value": minute} if kind == "goal_conversion" else {}
    return {"event_type": kind, "timestamp": (_BEGAN + timedelta(minutes=minute + later)).isoformat(), **goal}


def _minutes(row: Exposure) -> tuple[int | None, ...]:
    return tuple(
        None if at is None else (at - _BEGAN) // timedelta(minutes=1) - later
        for at, later in ((row.seen_at, 0), (row.converted_at, 10), (row.secondary_at, 10))
    )


@pytest.mark.django_db(transaction=True)
def test_a_goal_and_its_view_at_once_are_both_kept(race: Race) -> None:
    """REQ AN-08: whichever comes to the row first, the goal counts."""
    experiment = make_experiment(running=True)
    told = [said(experiment, f"v{who}") for who in range(4)]
    events = [[one, {**one, "event_type": "goal_conversion", "goal_value": 5}] for one in told]
    outcomes = race(8, lambda number: tell(events[number // 2][number % 2]))
    kept = [one.queued for one in outcomes if isinstance(one, Tracked)]
    assert (len(kept), sum(kept) >= 4) == (8, True)
    assert told_of(experiment) == (4, 4, 20, {})
