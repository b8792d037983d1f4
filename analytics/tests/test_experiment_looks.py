"""The dashboard's panel of experiments: counted once a minute, whoever looks; and what a person brings, in words."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from analytics.models import LastAnswer
from analytics.services.experiments.defining import stop_experiment
from analytics.services.experiments.looks import Look, look
from analytics.services.experiments.results import _TALLY, results_of_event
from analytics.tests.experiments import make_experiment, people, said, tell
from analytics.tests.exports import content_of, report_of, table
from analytics.tests.factories import Place, make_place
from analytics.tests.figures import broken, nothing_known
from analytics.tests.test_dashboard import CONSOLES, enter
from analytics.types.exports import ReportFormat
from common import clock
from common.errors import Busy
from common.types import SYSTEM
from config.local_stack.testing.race import Race
from events.models import Event

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def looked(event: Event, after: timedelta = timedelta(0)) -> tuple[list[int], float, bool, int]:
    """Look; return people by experiment, of how many seconds after noon, whether stale, and how often it counted."""
    with CaptureQueriesContext(connection) as asked:
        found = look(event, newest=5, now=NOW + after)
    counted = sum("FROM analytics_exposure" in one["sql"] for one in asked)
    seen = [one.total_impressions for one in found.results]
    assert {one.as_of for one in found.results} <= {found.as_of}
    return seen, (found.as_of - NOW).total_seconds(), found.is_stale, counted


def test_people_are_counted_once_a_minute_however_many_look() -> None:
    """REQ AN-05, AN-08: a look meanwhile says of when it is; the states of experiments are always those of now."""
    experiment = make_experiment(running=True)
    event = experiment.event
    people(experiment, (3, 1), (4, 2))
    tell(said(experiment, "me", "goal_conversion"))
    assert looked(event) == ([7], 0, False, 1)
    tell(said(experiment, "somebody"))
    stop_experiment(actor=SYSTEM, ref=experiment.slug, now=NOW + SECOND)
    assert looked(event, 59 * SECOND) == ([7], 0, False, 0)
    kept = look(event, newest=5, now=NOW + SECOND).results[0]
    assert (kept.experiment.status, kept.refused) == ("stopped", {"no_exposure": 1})
    assert results_of_event(event.pk, now=NOW)[0].total_impressions == 8
    assert looked(event, 60 * SECOND) == ([8], 60, False, 1)
    # One that was started since is not in what was counted.
    people(make_experiment(event, running=True), (2, 0), (0, 0))
    assert sorted(looked(event, 61 * SECOND)[0]) == [2, 8]
    assert LastAnswer.objects.filter(event=event, part="experiments").count() == 1


def test_what_was_counted_stands_in_and_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-03, AN-05: where counting fails the last figures are shown as stale; without them it fails."""
    place = make_place()
    people(make_experiment(place.event, running=True), (3, 1), (4, 2))
    enter(client, place.event)
    address = f"{CONSOLES}{place.event.pk}/panel/experiments/"
    assert b"7 visitors" in client.get(address).content
    assert look(place.event, newest=5, now=NOW).results
    broken("analytics_exposure")
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
    page = client.get(address).content.decode()
    assert "Stale" in page
    assert "7 visitors" in page
    assert "12:00 UTC" in page
    LastAnswer.objects.all().delete()
    assert client.get(address).status_code == 503


@pytest.mark.django_db(transaction=True)
def test_one_counts_and_the_others_do_not_wait(race: Race) -> None:
    """REQ AN-05: while somebody counts, who looks has what was counted before; without it they count themselves."""
    experiment = make_experiment(running=True)
    people(experiment, (3, 1), (4, 2))
    look(experiment.event, newest=5, now=NOW)
    tell(said(experiment, "somebody"))
    later = NOW + timedelta(minutes=2)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 8))", [f"experiments {experiment.event_id}"]
        )
        [meanwhile] = race(1, lambda _: look(experiment.event, newest=5, now=later))
        assert isinstance(meanwhile, Look), meanwhile
        assert (meanwhile.as_of, meanwhile.results[0].total_impressions) == (NOW, 7)
        LastAnswer.objects.all().delete()
    [first] = race(1, lambda _: look(experiment.event, newest=5, now=later))
    assert isinstance(first, Look), first
    assert (first.as_of, first.results[0].total_impressions) == (later, 8)


def test_too_slow_a_count_is_refused_without_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-03: a statement ends after its time; nothing half counted is kept."""
    experiment = make_experiment(running=True)
    people(experiment, (3, 1), (4, 2))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_exposure RENAME TO fast")
        cursor.execute("CREATE VIEW analytics_exposure AS SELECT fast.* FROM fast, pg_sleep(20)")
    monkeypatch.setattr("analytics.services.experiments.results.STATEMENT_SECONDS", 0.05)
    with pytest.raises(Busy):
        look(experiment.event, newest=5, now=NOW)
    assert not LastAnswer.objects.exists()


def test_counting_reads_the_people_of_the_experiment_alone() -> None:
    """REQ AN-08, OP-07: among 10,000 people of others, by the key; as PostgreSQL really ran it."""
    ours, theirs = make_experiment(running=True), make_experiment(running=True)
    people(ours, (30, 1), (40, 2))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO analytics_exposure (experiment_id, visitor, place, seen_at, value)"
            " SELECT %s, gen_random_uuid(), n %% 2, now(), 0 FROM generate_series(1, 10000) n",
            [theirs.pk],
        )
        cursor.execute("ANALYZE analytics_exposure")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {_TALLY}", {"experiments": [ours.pk]})
        (said_so,) = cursor.fetchone()
    plan = json.loads(said_so) if isinstance(said_so, str) else said_so
    reads = [one for one in _nodes(plan[0]["Plan"]) if one.get("Relation Name") == "analytics_exposure"]
    assert {one["Node Type"] for one in reads}.isdisjoint({"Seq Scan"})
    assert sum(one["Actual Rows"] for one in reads) == 70


def _nodes(node: dict) -> list[dict]:
    return [node, *(below for child in node.get("Plans", ()) for below in _nodes(child))]


def test_what_a_person_brings_is_said_with_its_range(client: Client) -> None:
    """REQ AN-08, AN-09: on the page and in files: the amount, and between what it likely lies, in words and columns."""
    experiment = make_experiment(running=True, minimum_sample=10)
    people(experiment, (200, 20), (200, 40), value=1_000)
    enter(client, experiment.event)
    page = " ".join(
        client.get(f"/admin/analytics/experiment/{experiment.pk}/results/").content.decode().split()
    )
    assert "$1.00 a person, likely $0.58 to $1.42" in page
    assert "$2.00 a person, likely $1.44 to $2.56" in page
    place = Place(experiment.event, *[None] * 3)
    rows = table(content_of(report_of(place, ReportFormat.CSV)))
    brought = [
        tuple(row[f"revenue_per_person{end}"] for end in ("", "_low", "_high")) for row in rows["experiments"]
    ]
    assert brought == [("1.00", "0.58", "1.42"), ("2.00", "1.44", "2.56")]
    [note] = [row["text"] for row in rows["notes"] if row["about"] == "experiments"]
    assert note.endswith(
        " A person brings $1.00 with A (likely $0.58 to $1.42), $2.00 with B (likely $1.44 to $2.56)."
    )
    nobody = make_experiment(running=True, minimum_sample=10)
    enter(client, nobody.event)
    page = client.get(f"/admin/analytics/experiment/{nobody.pk}/results/").content.decode()
    assert "- a person" in page
    assert "likely $" not in page
