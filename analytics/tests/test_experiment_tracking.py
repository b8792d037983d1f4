"""What front ends tell of experiments: each visitor once, in the variant that is theirs, in any order."""

import threading
from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from analytics.models import Experiment, ExperimentRefusal, Exposure
from analytics.services.experiments import tracking
from analytics.services.experiments.checking import visitor_of
from analytics.services.experiments.defining import archive_experiment, stop_experiment
from analytics.tests.experiments import STARTED, make_experiment, said, tell, tokens_of
from analytics.types.tracking import Tracked
from common.types import SYSTEM
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


def test_a_visitor_counts_once() -> None:
    """REQ AN-08: a view, a goal with its value, the secondary metric; told again, nothing of it counts again."""
    experiment = make_experiment(running=True)
    view = said(experiment, "me")
    goal = said(experiment, "me", "goal_conversion", goal_achieved=True, goal_value=1_999)
    other = said(experiment, "me", "goal_conversion", goal_value=5)
    secondary = said(experiment, "me", "secondary_metric")
    # The view counts first, wherever in the batch it stands.
    first = tell(goal, view, secondary, other, secondary)
    assert (first.queued, first.duplicates, first.rejected) == (3, 2, [])
    again = tell(view, other, secondary, now=NOW + timedelta(hours=1))
    assert (again.queued, again.duplicates, again.rejected) == (0, 3, [])
    kept = Exposure.objects.get()
    assert (kept.experiment_id, kept.visitor) == (experiment.pk, visitor_of("me", experiment.pk))
    assert (kept.seen_at, kept.converted_at, kept.value, kept.secondary_at) == (NOW, NOW, 1_999, NOW)


def test_nobody_is_followed_from_one_experiment_to_another() -> None:
    """The visitor is a hash of its own in each experiment, and no token is kept. REQ AN-08."""
    one, other = make_experiment(running=True), make_experiment(running=True)
    tell(said(one, "me"), said(other, "me"))
    assert len(set(Exposure.objects.values_list("visitor", flat=True))) == 2


def refusable(event: Event, experiment: Experiment) -> list[tuple[dict[str, Any], str]]:
    """Return events that do not count, with the code of each."""
    draft, stopped = make_experiment(event), make_experiment(event, running=True)
    stop_experiment(actor=SYSTEM, ref=stopped.slug, now=NOW - timedelta(days=1))
    archived = make_experiment(event, running=True)
    stop_experiment(actor=SYSTEM, ref=archived.slug, now=NOW)
    archive_experiment(actor=SYSTEM, ref=archived.slug, now=NOW)
    token = next(tokens_of(experiment, "a"))
    sister = str(make_event(organization=event.organization).pk)
    return [
        (said(experiment, token, test_id="nothing"), "unknown_test"),
        (said(experiment, token, event_id=sister), "wrong_event"),
        (said(draft, "me"), "not_running"),
        (said(stopped, "me"), "not_running"),
        (said(archived, "me", timestamp=(NOW - timedelta(hours=1)).isoformat()), "not_running"),
        (said(experiment, token, variant="z"), "unknown_variant"),
        (said(experiment, token, variant="b"), "wrong_variant"),
        (said(experiment, token, variant="c"), "wrong_variant"),
        (said(experiment, token, "goal_conversion", goal_achieved=False), "not_achieved"),
        (said(experiment, token, test_id="a\0"), "unknown_test"),
        (said(experiment, token, variant="b\0"), "unknown_variant"),
        (said(experiment, token, timestamp=(NOW - timedelta(days=8)).isoformat()), "too_late"),
        (said(experiment, token, timestamp=(NOW + timedelta(days=1)).isoformat()), "future"),
        (said(experiment, "") | {"session_token": ""}, "invalid"),
        (said(experiment, token) | {"event_type": None}, "invalid"),
    ]


def test_what_is_refused() -> None:
    """REQ AN-08: each by its place and a code, and counted; the others count all the same."""
    event = make_event()
    experiment = make_experiment(event, running=True, weights=(1, 1, 0))
    bad = refusable(event, experiment)
    result = tell(*(one for one, _ in bad), said(experiment, "somebody-else"))
    assert [(one.index, one.code) for one in result.rejected] == [
        (i, code) for i, (_, code) in enumerate(bad)
    ]
    assert (result.queued, result.duplicates) == (1, 0)
    assert Exposure.objects.count() == 1
    counted = ExperimentRefusal.objects.values_list("reason", "experiment__slug", "count")
    assert Counter({(reason, slug): times for reason, slug, times in counted}) == Counter(
        (code, None if code == "unknown_test" else one["test_id"]) for one, code in bad
    )


def test_late_events_count_for_the_time_they_are_of() -> None:
    """REQ AN-08, AN-10: what happened while it ran counts up to 7 days late, what happened before or after never."""
    experiment = make_experiment(running=True)
    stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW - timedelta(days=2))
    late = said(experiment, "me", timestamp=(NOW - timedelta(days=3)).isoformat())
    after = said(experiment, "you", timestamp=(NOW - timedelta(days=2)).isoformat())
    assert [one.code for one in tell(late, after).rejected] == ["not_running"]
    assert Exposure.objects.get().seen_at == NOW - timedelta(days=3)
    before = said(experiment, "you", timestamp=(STARTED - timedelta(seconds=1)).isoformat())
    assert [one.code for one in tell(before, now=STARTED + timedelta(days=1)).rejected] == ["not_running"]


def test_a_goal_before_the_view_is_not_of_the_experiment() -> None:
    """REQ AN-08: whoever had reached the goal before they saw a variant was not moved by it."""
    experiment = make_experiment(running=True)
    before = (NOW - timedelta(minutes=5)).isoformat()
    early = [
        said(experiment, "me", kind, timestamp=before) for kind in ("goal_conversion", "secondary_metric")
    ]
    refused = tell(said(experiment, "me"), *early).rejected
    assert [one.code for one in refused] == ["no_exposure", "no_exposure"]
    kept = Exposure.objects.get()
    assert (kept.converted_at, kept.secondary_at, kept.value) == (None, None, 0)


def test_an_earlier_view_that_comes_late_is_the_first() -> None:
    """REQ AN-08, AN-10: one tab tells its view of 12:10, then another its view of 12:00 and the goal of 12:05."""
    experiment = make_experiment(running=True)

    def at(minutes: int) -> str:
        return (NOW - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()

    tell(said(experiment, "me", timestamp=at(10)))
    goal = said(experiment, "me", "goal_conversion", goal_value=1_999, timestamp=at(5))
    late = tell(said(experiment, "me", timestamp=at(0)), goal)
    assert (late.queued, late.duplicates, late.rejected) == (1, 1, [])
    kept = Exposure.objects.get()
    seen_at, goal_at = NOW - timedelta(hours=1), NOW - timedelta(minutes=55)
    assert (kept.seen_at, kept.converted_at, kept.value) == (seen_at, goal_at, 1_999)
    # A later view changes nothing, and of several in one batch the earliest counts, wherever it stands.
    again = tell(said(experiment, "me", timestamp=at(20)))
    assert (again.queued, again.duplicates) == (0, 1)
    tell(*(said(experiment, "you", timestamp=at(minutes)) for minutes in (30, 2, 9)))
    assert sorted(Exposure.objects.values_list("seen_at", flat=True)) == [
        seen_at,
        seen_at + timedelta(minutes=2),
    ]
    assert not ExperimentRefusal.objects.exists()


def test_robots_are_not_counted() -> None:
    """REQ AN-01, AN-08: nothing that an automated client tells counts, and it is said how much that was."""
    experiment = make_experiment(running=True)
    result = tell(said(experiment, "robot"), said(experiment, "robot", test_id="nothing"), bot=True)
    assert [(one.index, one.code) for one in result.rejected] == [(0, "bot"), (1, "unknown_test")]
    assert not Exposure.objects.exists()
    assert ExperimentRefusal.objects.get(reason="bot").experiment == experiment


def test_the_database_keeps_one_row_and_only_known_variants() -> None:
    """REQ AN-08: one exposure a visitor and experiment, of a variant that there is; values only of conversions."""
    experiment = make_experiment(running=True)
    tell(said(experiment, "me"))
    kept = Exposure.objects.get()
    row = {"experiment": experiment, "visitor": kept.visitor, "seen_at": NOW}
    other = {**row, "visitor": experiment.pk}
    for wrong in ({**row, "place": 1}, {**other, "place": 0, "value": 5}, {**other, "place": 7}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Exposure.objects.bulk_create([Exposure(**wrong)])
    assert Exposure.objects.get().place == kept.place


def test_a_batch_costs_the_same_however_long() -> None:
    """Four statements for one event or two hundred. REQ AN-08."""
    experiment = make_experiment(running=True)
    tokens = list(islice(tokens_of(experiment, "a"), 100))
    costs = []
    for some in (tokens[:1], tokens):
        events = [
            {**said_by(experiment, token), "event_type": kind}
            for token in some for kind in ("variant_view", "goal_conversion")
        ]  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            tell(*events)
        costs.append(len([one for one in queries if "SAVEPOINT" not in one["sql"]]))
    assert costs == [4, 4]
    assert Exposure.objects.filter(converted_at__isnull=False).count() == 100


def said_by(experiment, token: str) -> dict[str, object]:
    """Return what a session that sees variant a tells, without asking the database."""
    return {
        "test_id": experiment.slug, "event_id": str(experiment.event_id), "session_token": token, "variant_id": "a",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_first_views_at_once_make_one_row(race: Race) -> None:
    """REQ AN-08: eight tabs of one visitor: one of them is the first, also for the goal and its value."""
    experiment = make_experiment(running=True)
    view, goals = said(experiment, "me"), [
        said(experiment, "me", "goal_conversion", goal_value=value) for value in range(8)
    ]  # fmt: skip
    outcomes = race(8, lambda number: tell(view, goals[number]))
    assert (
        sorted(one.queued for one in outcomes) == [*[0] * 6, 1, 1] or sum(one.queued for one in outcomes) == 2
    )
    kept = Exposure.objects.get()
    assert kept.converted_at is not None
    assert kept.value < 8


@pytest.mark.django_db(transaction=True)
def test_the_same_by_looking_first_loses_what_is_told(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without giving way to who is first, the key alone keeps one row, and the others fail."""
    experiment = make_experiment(running=True)
    view = said(experiment, "me")
    clumsy = tracking._SEE.partition("ON CONFLICT")[0] + "RETURNING true"
    monkeypatch.setattr(tracking, "_SEE", clumsy)
    outcomes = race(4, lambda _: tell(view))
    assert Counter(type(one) for one in outcomes) == {Tracked: 1, IntegrityError: 3}
    assert Exposure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_without_the_lock_counts_a_goal_twice(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: both find no goal yet, and both are told that theirs is new."""
    experiment = make_experiment(running=True)
    tell(said(experiment, "me"))
    both_looked = threading.Barrier(2)
    held = tracking._held

    def looked(people):
        found = held(people)
        both_looked.wait(30)
        return found

    unlocked = tracking._HOLD.replace("FOR NO KEY UPDATE OF e", "")
    monkeypatch.setattr(tracking, "_HOLD", unlocked)
    monkeypatch.setattr(tracking, "_held", looked)
    goals = [said(experiment, "me", "goal_conversion", goal_value=value) for value in (3, 4)]
    outcomes = race(2, lambda number: tell(goals[number]))
    assert [one.queued for one in outcomes] == [1, 1]
