"""The verdict of an experiment, on counts made by hand: what the statistics say, and what a person is told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW, bearer, make_member
from analytics.models import ExperimentStatus, Exposure, Metric
from analytics.services.experiments.defining import stop_experiment
from analytics.services.experiments.results import results, results_of, results_of_event
from analytics.services.experiments.verdict import verdict
from analytics.statistics.means import Amounts
from analytics.statistics.sequential import ALPHA, Basket, compare_means_always, leader_of_means
from analytics.tests.experiments import make_experiment, people, said, tell, variants_of
from analytics.types.experiments import Results, Tally, Verdict
from common.types import SYSTEM

pytestmark = pytest.mark.django_db


def judged(*counts: tuple[int, int], value: int = 0, stopped: bool = False, **given) -> Results:
    """Return the verdict on (people, conversions) of each variant, each goal worth the value."""
    given = {"minimum_sample": 1_000, "weights": (1,) * len(counts), "running": True, **given}
    experiment = make_experiment(**given)
    if stopped:
        experiment = stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW)
    tallies = {
        place: Tally(seen, done, 0, done * value, done * value * value)
        for place, (seen, done) in enumerate(counts)
    }
    return verdict(experiment, variants_of(experiment), tallies, refused={}, now=NOW)


def test_results_are_the_statistics_of_what_was_counted() -> None:
    """REQ AN-08, AN-09: rates, revenue, Wilson's and Katz's intervals, the published p, by the counts that are kept."""
    experiment = make_experiment(running=True, minimum_sample=10)
    people(experiment, (231, 123), (262, 133), value=250)
    found = results(actor=SYSTEM, ref=experiment.slug, now=NOW)
    assert (found.test_id, found.status, found.winner) == (experiment.slug, Verdict.RUNNING, None)
    assert (found.total_impressions, found.total_conversions, found.method) == (493, 256, "chi-square")
    assert round(found.p_value, 6) == 0.581825
    assert found.p_value_always_valid == 1.0
    assert (round(found.srm.p_value, 4), found.srm.is_ok) == (0.1627, True)
    control, other = found.variants
    assert (control.variant_id, control.impressions, control.conversions) == ("a", 231, 123)
    assert round(control.conversion_rate, 4) == 53.2468
    assert (round(control.interval.low, 2), round(control.interval.high, 2)) == (46.81, 59.58)
    assert (control.revenue.amount, control.revenue.currency) == (123 * 250, "USD")
    assert (control.is_control, control.lift, control.lift_interval, control.confidence_level) == (
        True,
        *[None] * 3,
    )
    assert round(other.lift, 2) == -4.66
    assert other.confidence_level == 0.0


def test_until_the_minimum_sample_there_is_no_verdict() -> None:
    """REQ AN-09: however great the difference looks, it says how many people are still needed."""
    found = judged((1_000, 100), (999, 400))
    assert (found.status, found.winner, found.confidence, found.people_needed) == (
        "collecting",
        None,
        None,
        1,
    )
    assert (found.headline, found.variants[1].confidence_level) == ("Too early to say", None)
    assert found.recommendation == (
        "B was seen by 999 of the 1,000 people that each variant needs. Wait for 1 person more; until then any "
        "difference may be chance."
    )
    stopped = judged((10, 1), (5, 4), stopped=True)
    assert (stopped.status, stopped.headline) == ("collecting", "Stopped too early to say")
    assert "Start a new one" in stopped.recommendation
    draft = judged((0, 0), (0, 0), running=False)
    assert (draft.status, draft.headline, draft.p_value) == ("collecting", "Not started yet", None)


def test_a_winner_is_named_only_by_the_always_valid_comparison() -> None:
    """REQ AN-09: what one planned look would call significant is no winner yet; a clear one is, with its words."""
    unsure = judged((5_000, 500), (5_000, 565))
    assert unsure.p_value < ALPHA < unsure.p_value_always_valid
    assert (unsure.status, unsure.winner, unsure.confidence) == ("running", None, None)
    sure = judged((5_000, 500), (5_000, 700))
    assert (sure.status, sure.winner, sure.people_needed) == ("decided", "b", None)
    assert 99.9 < sure.confidence <= 99.99
    assert sure.confidence == sure.variants[1].confidence_level
    assert sure.headline == "B wins"
    assert sure.recommendation == (
        "Use B. Of those who see it, 14.0 % with B reach the goal, against 10.0 % with A. The gain is likely between "
        "+26 % and +56 %. Where there is no difference, fewer than 1 of 20 experiments would ever show one like this, "
        "however often somebody looks."
    )


def test_the_control_wins_when_it_beats_everybody() -> None:
    """REQ AN-08: and not when it beats some; the best of several that beat it wins."""
    kept = judged((5_000, 700), (5_000, 500), (5_000, 490))
    assert (kept.winner, kept.headline) == ("a", "A wins")
    assert kept.recommendation.startswith("Keep A: all other variants do worse.")
    assert kept.confidence == min(one.confidence_level for one in kept.variants[1:])
    assert judged((5_000, 700), (5_000, 500), (5_000, 700)).winner is None
    several = judged((10_000, 500), (10_000, 800), (10_000, 900), (10_000, 490))
    assert (several.winner, several.method) == ("c", "chi-square")


def test_a_wrong_division_spoils_everything() -> None:
    """REQ AN-08: no winner is named, and it is said what to do; a variant without weight takes no part."""
    found = judged((6_000, 600), (5_000, 900))
    assert (found.status, found.winner, found.confidence, found.srm.is_ok) == ("invalid", None, None, False)
    assert "A 6,000 (weight 1), B 5,000 (weight 1)" in found.recommendation
    assert "start a new experiment" in found.recommendation
    # Ten people in one of two variants prove nothing yet.
    assert judged((15, 1), (0, 0)).srm.p_value is None
    assert judged((5_000, 500), (5_000, 700), (0, 0), weights=(1, 1, 0)).winner == "b"


def test_no_difference_is_said_plainly() -> None:
    """REQ AN-09: too small to matter, not enough for an answer yet, or never answered: each in its words."""
    small = judged((400_000, 40_000), (400_000, 40_010))
    assert (small.status, small.headline) == ("running", "No difference that matters")
    assert "likely smaller than 5 % of A's rate" in small.recommendation
    open_yet = judged((2_000, 200), (2_000, 220))
    assert (open_yet.headline, open_yet.people_needed) == ("No winner yet", 2 * 14_751 - 2_000)
    assert "about 27,502 people more for each variant" in open_yet.recommendation
    over = judged((2_000, 200), (2_000, 220), stopped=True)
    assert (over.headline, "bolder change" in over.recommendation) == ("No winner", True)
    nothing = judged((2_000, 0), (2_000, 0))
    assert (nothing.p_value, nothing.people_needed) == (1.0, None)
    assert "significan" not in " ".join(one.recommendation for one in (small, open_yet, over, nothing))


def test_results_that_take_too_long_are_refused(client: Client, monkeypatch) -> None:
    """REQ AN-03: a statement ends after its time, and the caller is told to come again: never half of the figures."""
    experiment = make_experiment(running=True)
    people(experiment, (3, 1), (4, 2))
    analyst = bearer(make_member("analyst", organization=experiment.event.organization))
    url = f"/api/v1/ab-tests/{experiment.slug}/results"
    assert client.get(url, headers=analyst).json()["total_impressions"] == 7
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_exposure RENAME TO fast")
        cursor.execute("CREATE VIEW analytics_exposure AS SELECT fast.* FROM fast, pg_sleep(20)")
    monkeypatch.setattr("analytics.services.experiments.results.STATEMENT_SECONDS", 0.05)
    refused = client.get(url, headers=analyst)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.json()["retryable"] is True


def test_revenue_decides_where_it_is_the_metric() -> None:
    """REQ AN-08: as many buy, and one variant's buyers pay more: by what a person brings, Welch's test."""
    experiment = make_experiment(running=True, metric=Metric.REVENUE)
    tallies = {
        0: Tally(5_000, 500, 0, 500 * 1_000, 500 * 1_000**2), 1: Tally(5_000, 500, 0, 500 * 2_000, 500 * 2_000**2)
    }  # fmt: skip
    found = verdict(experiment, variants_of(experiment), tallies, refused={}, now=NOW)
    assert (found.status, found.winner, found.method) == ("decided", "b", "welch")
    assert (found.variants[0].revenue_per_person, found.variants[1].revenue_per_person) == (100.0, 200.0)
    # 100 on average, 300 either way: 1.960438 * 300.03 / sqrt(5000) = 8.318.
    control = found.variants[0].revenue_interval
    assert (round(control.low, 2), round(control.high, 2)) == (91.68, 108.32)
    assert "A person brings $2.00 with B, against $1.00 with A." in found.recommendation
    by_rate = judged((5_000, 500), (5_000, 500), value=2_000)
    assert by_rate.winner is None


def test_the_formula_of_means_is_that_of_rates() -> None:
    """REQ AN-09: a goal worth 1 is a rate; nothing is claimed by a handful of buyers."""
    one = Basket("a", Amounts(5_000, 500, 500), 500)
    other = Basket("b", Amounts(5_000, 700, 700), 700)
    variance = (0.1 * 0.9 + 0.14 * 0.86) / 4_999
    k = 10_000 * (-2 * -2.995732 + 1.944843) / 5_000 + 1
    expected = k**0.5 * 2.718281828 ** (-(k - 1) * 0.04**2 / variance / (2 * k))
    assert compare_means_always(one, other) == pytest.approx(expected, rel=1e-3)
    assert leader_of_means(one, [other]).key == "b"
    few = Basket("b", Amounts(5_000, 900_000, 90_000_000_000), 9)
    assert compare_means_always(Basket("a", Amounts(5_000, 0, 0), 0), few) == 1.0


def test_results_cost_the_same_however_many_people() -> None:
    """Eight statements; the people of an experiment are found by its key, not by reading those of all. REQ AN-08."""
    experiment = make_experiment(running=True, minimum_sample=10)
    costs = []
    for seen in (1, 400):
        Exposure.objects.all().delete()
        people(experiment, (seen, 1), (seen, 1))
        with CaptureQueriesContext(connection) as queries:
            results(actor=SYSTEM, ref=str(experiment.pk), now=NOW)
        costs.append(len(queries))
    assert costs == [8, 8]
    others = make_experiment(running=True)
    people(others, (4_000, 5), (4_000, 5))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analytics_exposure")
        # So few rows are read whole now and then: ask for the plan of many.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT place, count(*) FROM analytics_exposure WHERE experiment_id = ANY(%s) GROUP BY place",
            [[experiment.pk]],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "analytics_exposure_pkey" in plan
    assert "Seq Scan" not in plan


def test_all_of_an_event_cost_no_more_than_one() -> None:
    """REQ AN-08: for exports: what was started and is not archived, by its start, eight statements in all."""
    first = make_experiment(running=True)
    other = make_experiment(first.event, running=True)
    make_experiment(first.event)
    people(first, (3, 1), (4, 2))
    people(other, (5, 0), (6, 6))
    people(make_experiment(running=True), (7, 7), (7, 7))
    with CaptureQueriesContext(connection) as queries:
        found = results_of_event(first.event_id, now=NOW)
    assert len(queries) == 8
    counts = {one.test_id: [(row.impressions, row.conversions) for row in one.variants] for one in found}
    assert counts == {first.slug: [(3, 1), (4, 2)], other.slug: [(5, 0), (6, 6)]}


def test_what_was_refused_is_told_with_the_results() -> None:
    """REQ AN-08: how often and why, so that a broken front end is seen; goals that wait for a view too."""
    experiment = make_experiment(running=True)
    tell(said(experiment, "me", "goal_conversion"), said(experiment, "me", variant="z"))
    tell(said(experiment, "me", "goal_conversion"), now=NOW + timedelta(days=1))
    [found] = results_of([experiment], now=NOW)
    assert (found.refused, found.experiment.status) == (
        {"no_exposure": 1, "unknown_variant": 1}, ExperimentStatus.RUNNING,
    )  # fmt: skip
