"""Visitors of experiments that ended long ago are forgotten; what they said of the variants is not. REQ AN-08."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from accounts.tests.factories import NOW
from analytics.models import Experiment, ExperimentTally, Exposure
from analytics.services import retention
from analytics.services.experiments.defining import stop_experiment
from analytics.services.experiments.results import results
from analytics.services.retention import forget_old
from analytics.tests.experiments import make_experiment, people, said, tell
from common.types import SYSTEM

pytestmark = pytest.mark.django_db


def stopped(*counts: tuple[int, int], value: int = 0) -> Experiment:
    """Return an experiment that was seen by so many, and stopped now."""
    experiment = make_experiment(running=True, minimum_sample=10)
    people(experiment, *counts, value=value)
    return stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW)


def figures(experiment: Experiment) -> list[dict]:
    """Return all that is told of the variants."""
    return [asdict(one) for one in results(actor=SYSTEM, ref=experiment.slug, now=NOW).variants]


def test_results_stay_what_they_were(settings, monkeypatch) -> None:
    """In batches, by age after the stop; sums, squares and so every interval are the same before, between and after."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 30
    monkeypatch.setattr(retention, "_AT_ONCE", 7)
    old, other, running = (
        stopped((20, 6), (25, 9), value=1_999),
        stopped((3, 1), (4, 0)),
        make_experiment(running=True),
    )
    people(running, (5, 1), (5, 2))
    Exposure.objects.filter(experiment=old, place=0).update(secondary_at=NOW)
    before = [figures(one) for one in (old, other, running)]
    assert before[0][0]["secondary_conversions"] == 20
    assert forget_old(now=NOW + timedelta(days=30)).people == 0
    later = NOW + timedelta(days=30, seconds=1)
    assert forget_old(now=later).people == 45 + 7
    assert set(Exposure.objects.values_list("experiment_id", flat=True)) == {running.pk}
    assert [figures(one) for one in (old, other, running)] == before
    assert ExperimentTally.objects.count() == 4
    assert forget_old(now=later).people == 0
    assert [figures(one) for one in (old, other, running)] == before


def test_nobody_is_forgotten_while_something_may_still_be_told(settings) -> None:
    """However short the time that is set: what happened before the stop counts once when it comes days later."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 1
    experiment = make_experiment(running=True)
    tell(said(experiment, "me", timestamp=NOW.isoformat()))
    stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW + timedelta(minutes=1))
    late = NOW + timedelta(days=7)
    assert forget_old(now=late).people == 0
    assert tell(said(experiment, "me", timestamp=NOW.isoformat()), now=late).duplicates == 1
    assert forget_old(now=NOW + timedelta(days=9, minutes=2)).people == 1
    assert figures(experiment)[0]["impressions"] + figures(experiment)[1]["impressions"] == 1
