"""The statements about figures beside many events: partitions are left out, indexes are used."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import NOW
from ads.models import Ad, AdEvent
from ads.selectors import performance
from ads.services import daily, figures_sql, judging, partitions
from ads.services.sql_arrays import array
from ads.tests.ad_factories import make_ad
from ads.tests.counted import many

pytestmark = pytest.mark.django_db
DAY = date(2096, 11, 21)


@pytest.fixture
def crowd() -> Ad:
    """Give one of a hundred ads, with 210 impressions each over a week, each day in its partition.

    A hundred, for where other tests left an index long and empty, its twentieth part costs as much as the whole table.
    """
    days = [DAY - timedelta(days=ago) for ago in range(7)]
    partitions.ensure_ahead(now=NOW - timedelta(days=6))
    ads = [make_ad() for _ in range(100)]
    for ad in ads:
        many(ad, days, 30)
    partitions.ensure_ahead(now=NOW)
    with connection.cursor() as cursor:
        # All that these statements read: of a table that other tests left long and empty, much would be expected.
        cursor.execute("ANALYZE ads_ad, ads_adevent, ads_addaily, ads_addirtyday, ads_invalidcount")
    return ads[0]


def plan_of(statement: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes that read tables, as PostgreSQL plans them."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", given)
        (told,) = cursor.fetchone()
    found: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        found.extend([node] if "Relation Name" in node else [])
        for child in node.get("Plans", ()):
            walk(child)

    walk((json.loads(told) if isinstance(told, str) else told)[0]["Plan"])
    return found


def raw_reads(statement: str, given: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return which partitions of raw events are read, and how those with rows are."""
    reads = [node for node in plan_of(statement, given) if node["Relation Name"].startswith("ads_adevent")]
    # Days to come are empty, and read as they come.
    filled = [node for node in reads if node["Relation Name"] <= partitions.EVENTS.name_of(DAY)]
    return {node["Relation Name"] for node in reads}, {node["Node Type"] for node in filled}


def test_a_day_is_computed_from_its_own_partitions(crowd: Ad) -> None:
    """Of a dozen partitions those around the day are read, by their index. REQ OP-07."""
    book = daily.locked(crowd.event_id)
    assert book is not None
    tables, ways = raw_reads(figures_sql.RECOUNT, daily.parameters(book, DAY))
    near = {partitions.EVENTS.name_of(DAY + timedelta(days=days)) for days in range(-2, 3)}
    assert tables <= near
    assert len(partitions.existing()) > 20
    assert "Seq Scan" not in ways, ways


def test_viewers_of_a_range_are_counted_in_its_partitions(crowd: Ad) -> None:
    """Performance of two days reads those days' partitions, by their index, and stored days by their key. REQ OP-07."""
    asked = performance._Asked(
        crowd.event_id, "UTC", None, None, DAY - timedelta(days=3), DAY - timedelta(days=2)
    )
    given = asked.parameters() | {"ads": [crowd.pk], "units": [10_000]}
    tables, ways = raw_reads(performance.FIGURES, given)
    near = {partitions.EVENTS.name_of(DAY - timedelta(days=days)) for days in range(5)}
    assert tables <= near
    assert "Seq Scan" not in ways, ways


def test_what_was_counted_before_is_looked_up_where_it_is(crowd: Ad) -> None:
    """Of all partitions those of the told tokens are read, each by its key. REQ AD-04, OP-07."""
    days = [DAY, DAY - timedelta(days=3)]
    decisions = [
        AdEvent.objects.filter(issue_day=day).values_list("decision_id", flat=True)[0] for day in days
    ]
    given = {
        "ads": array([crowd.pk]), "user": None, "days": array(days), "decisions": array(decisions),
    }  # fmt: skip
    names, reads = raw_reads(judging._FACTS, given)
    assert names == {partitions.EVENTS.name_of(day) for day in days}
    assert reads <= {"Index Scan", "Index Only Scan"}
