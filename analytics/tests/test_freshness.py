"""How new figures are, how that is known, and that asking for them costs no more than was asked for."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from accounts.tests.factories import NOW, bearer, make_member
from analytics.figures_metrics import FiguresCollector
from analytics.models import DailyFigure, DirtyDay, Refresh
from analytics.services import refreshing
from analytics.services.known import known
from analytics.services.monetization import monetization
from analytics.services.refreshing import Refreshed, refresh_now
from analytics.services.rollup import Worked, refresh
from analytics.tests.factories import Place, ago, keep, make_place, told
from common.types import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def looks(at_most: str) -> float:
    """Return how many looks were at figures of at most so many seconds."""
    return REGISTRY.get_sample_value("marquee_analytics_look_age_seconds_bucket", {"le": at_most}) or 0.0


def test_how_old_figures_were_is_counted_at_every_look() -> None:
    """REQ AN-04: the share of looks under five minutes can be read from /metrics; an export is no look."""
    place = make_place()
    young, all_of_them = looks("300.0"), looks("+Inf")
    keep(told(place))
    for seconds in (0, 299, 301):
        monetization(
            actor=SYSTEM, event_id=place.event.pk, parts=("ads",), now=NOW + timedelta(seconds=seconds)
        )
    assert (looks("300.0") - young, looks("+Inf") - all_of_them) == (2, 3)


def test_what_waits_and_what_fails_is_told_when_it_is_asked(monkeypatch) -> None:
    """REQ AN-04: the oldest day that waits, and the most failures in a row, of all events."""
    monkeypatch.setattr("analytics.figures_metrics.clock.now", lambda: NOW + timedelta(seconds=90))

    def figures() -> dict[str, float]:
        return {metric.name: metric.samples[0].value for metric in FiguresCollector().collect()}

    behind, failures = "marquee_analytics_days_behind_seconds", "marquee_analytics_failures_in_a_row"
    assert figures() == {behind: 0.0, failures: 0}
    place, other = make_place(), make_place()
    keep(told(place))
    Refresh.objects.create(event=place.event, failures=2)
    Refresh.objects.create(event=other.event, failures=4)
    assert figures() == {behind: 90.0, failures: 4}
    refresh(now=NOW)
    assert figures() == {behind: 0.0, failures: 0}


def test_three_failures_in_a_row_call_for_help() -> None:
    """REQ AN-04: the third and every later one is an error with the event and the database's words; not before."""
    place = make_place()
    keep(told(place))
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE analytics_dailyfigure ADD CONSTRAINT no_luck CHECK (event_id <> '{place.event.pk}')"
        )
    with capture_logs() as logs:
        for _ in range(4):
            assert refresh(now=NOW) == Worked(0, 1)
    told_of = [entry for entry in logs if entry["event"] == "analytics refresh failed"]
    assert [(one["log_level"], one["failures"]) for one in told_of] == [
        ("warning", 1), ("warning", 2), ("error", 3), ("error", 4),
    ]  # fmt: skip
    assert all(one["event_id"] == str(place.event.pk) and "no_luck" in one["error"] for one in told_of)
    assert not DailyFigure.objects.filter(event=place.event).exists()


def test_nobody_waits_for_a_year_of_days(monkeypatch) -> None:
    """REQ AN-04: asking computes some days at once and says how many are left; the job by the clock does those."""
    place = make_place()
    keep(*(told(place, timestamp=ago(days=days)) for days in range(5)))
    asked: dict[str, Any] = {"actor": SYSTEM, "event_id": place.event.pk, "now": NOW}
    monkeypatch.setattr(refreshing, "DAYS_AT_ONCE", 2)
    assert refresh_now(**asked) == Refreshed(days=2, failures=0, waiting=3)
    monkeypatch.setattr(refreshing, "SECONDS_AT_ONCE", 0.0)
    assert refresh_now(**asked) == Refreshed(days=0, failures=0, waiting=3)
    assert refresh(now=NOW) == Worked(3, 0)
    assert refresh_now(**asked) == Refreshed(days=0, failures=0, waiting=0)


def fill(place: Place, *, events: int) -> None:
    """Write a month of figures that say so many events, and as many raw events as make no difference."""
    DailyFigure.objects.bulk_create(
        DailyFigure(
            event=place.event, day=(NOW - timedelta(days=day)).date(), type=kind, entity_id=entity,
            count=events // 50, visitors=events // 500, computed_at=NOW,
        )
        for day in range(25) for kind in ("OFFER_VIEW", "OFFER_CLICK") for entity in (None, place.offer.pk)
    )  # fmt: skip


def test_a_million_events_cost_the_same_statements_as_a_hundred() -> None:
    """AN-02: an answer reads the figures of days and never a raw event, so it does not grow with what was told."""
    asked = []
    for events in (100, 1_000_000):
        place = make_place()
        fill(place, events=events)
        with CaptureQueriesContext(connection) as queries:
            found = monetization(actor=SYSTEM, event_id=place.event.pk, now=NOW)
        offers = found.parts["offers"].figures
        assert offers.total_views + offers.total_clicks == events
        asked.append([query["sql"].partition(" WHERE ")[0][:60] for query in queries])
        assert not any("analytics_rawevent" in query["sql"] for query in queries)
    assert len(asked[0]) == len(asked[1]) <= 42


@pytest.mark.parametrize(
    ("fields", "reads", "leaves"),
    [
        (
            "waitlist { totalJoins }",
            "waitlist_entry",
            ("payments_ledgerentry", "offers_purchase", "ads_addaily"),
        ),
        ("ads { totalClicks }", "ads_addaily", ("payments_ledgerentry", "offers_purchase", "waitlist_entry")),
        ("asOf stale", "analytics_dirtyday", ("payments_ledgerentry", "offers_purchase", "ads_addaily")),
    ],
)
def test_graphql_computes_the_parts_that_are_asked_for(client: Client, fields, reads, leaves) -> None:
    """REQ AN-02: a query for one part reads its tables alone; one for none still says how new everything is."""
    place = make_place()
    analyst = bearer(make_member("analyst", organization=place.event.organization))
    query = f'{{ monetizationAnalytics(eventId: "{place.event.pk}") {{ {fields} }} }}'
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(
            "/graphql", {"query": query}, content_type="application/json", headers=analyst
        ).json()
    assert "errors" not in answer, answer
    sent = " ".join(one["sql"] for one in queries)
    assert reads in sent
    assert not [table for table in leaves if table in sent]
    assert DirtyDay.objects.count() == 0
