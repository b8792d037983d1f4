"""What is said when nobody knows how new figures are, right after midnight, and where something is long in coming."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from ads.models import AdDirtyDay
from analytics.models import Refresh
from analytics.services.monetization import Monetization, monetization
from analytics.services.rollup import refresh
from analytics.tests.exports import content_of, report_of, table
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import DAY, broken, nothing_known, sold
from analytics.tests.test_dashboard import CONSOLES, enter
from analytics.types.exports import ReportFormat
from common import clock
from common.money import Money
from common.types import SYSTEM

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


def asked(place: Place, **given: Any) -> Monetization:
    """Return the event's figures."""
    return monetization(actor=SYSTEM, event_id=place.event.pk, **given)


def test_figures_are_answered_when_nobody_knows_how_new_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-03, AN-04: asking it ends after its time, too; what was last known of it stands in, and that is said."""
    place, never = make_place(), make_place()
    sold(place.offer)
    keep(told(place))
    asked(place, now=NOW + timedelta(minutes=1))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_dirtyday RENAME TO fast")
        cursor.execute("CREATE VIEW analytics_dirtyday AS SELECT fast.* FROM fast, pg_sleep(20)")
    monkeypatch.setattr("analytics.services.monetization.STATEMENT_SECONDS", 0.05)
    found = asked(place, now=NOW + timedelta(minutes=10))
    assert (found.is_stale, found.is_freshness_known, found.is_behind) == (True, False, True)
    known = found.freshness
    assert (known.as_of, known.data_through, known.pending_days) == (NOW + timedelta(minutes=1), NOW, 1)
    revenue = found.parts["revenue"]
    assert (revenue.is_stale, revenue.figures.total) == (False, Money(1999, "USD"))
    never.event.refresh_from_db()
    assert asked(never, now=NOW, parts=()).freshness.data_through == never.event.created_at


def test_a_panel_asks_once_how_new_it_is(client: Client) -> None:
    """REQ AN-05: the days before are compared with, and are as new as these."""
    place = make_place()
    enter(client, place.event)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{CONSOLES}{place.event.pk}/panel/revenue/").status_code == 200
    sent = [one["sql"] for one in queries]
    assert sum('FROM "analytics_dirtyday"' in one for one in sent) == 1
    assert sum("payments_ledgerentry" in one for one in sent) == 2


def test_right_after_midnight_the_usual_days_of_yesterday_stand_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ AN-03: they say which days they are of, in files and panels, too; nothing else stands in for other days."""
    place, first = make_place(time_zone="Europe/Berlin"), date(2096, 10, 23)
    sold(place.offer)
    asked(place, now=NOW)
    asked(place, date_from=DAY, now=NOW)
    broken("payments_ledgerentry")
    later = NOW + timedelta(hours=11, minutes=30)
    revenue = asked(place, now=later, parts=("revenue",)).parts["revenue"]
    assert (revenue.is_stale, revenue.as_of, revenue.days) == (True, NOW, (first, DAY))
    assert revenue.figures.total == Money(1999, "USD")
    assert asked(place, now=NOW, parts=("revenue",)).parts["revenue"].days is None
    a_day = timedelta(days=1)
    rows = table(content_of(report_of(place, ReportFormat.CSV, first + a_day, DAY + a_day, now=later)))
    assert any("and of the days 2096-10-23 to 2096-11-21;" in row["text"] for row in rows["notes"])
    monkeypatch.setattr(clock, "now", lambda: later)
    enter(client, place.event)
    panel = client.get(f"{CONSOLES}{place.event.pk}/panel/revenue/")
    assert "These are of 23 Oct 2096 – 21 Nov 2096." in panel.content.decode()
    for days, now in (
        ({"date_from": DAY + a_day}, later),  # today alone is not yesterday
        ({"date_from": first + 2 * a_day}, later),  # fewer days
        ({}, later + a_day),  # older than yesterday
        ({"date_from": first + a_day, "date_to": DAY + a_day}, later + a_day),  # days that are over
    ):
        assert asked(place, **days, now=now, parts=("revenue",)).parts["revenue"].figures is None, days


def test_a_report_says_what_is_late_and_not_what_waits_its_minute() -> None:
    """REQ AN-11, AN-04: after five minutes figures are not new any more, those of ads apart; nor after failures."""
    place = make_place()
    keep(told(place))
    AdDirtyDay.objects.create(event_id=place.event.pk, day=DAY, marked_at=NOW + timedelta(minutes=2))

    def said(minutes: int) -> tuple[bool, str, list[str]]:
        report = report_of(place, ReportFormat.CSV, now=NOW + timedelta(minutes=minutes))
        rows = table(content_of(report))
        figures = {row["figure"]: row.get("value", "") for row in rows["summary"]}
        notes = [row["text"] for row in rows.get("notes", []) if row["about"] == "summary"]
        return report.is_stale, figures["All figures are new"], notes

    front_ends = (
        "What front ends told after 21 Nov 2096, 12:00 UTC is not in yet: 1 day waits to be computed."
    )
    of_ads = "What ads counted after 21 Nov 2096, 12:02 UTC is not in yet: 1 day waits to be computed."
    assert said(5) == (False, "yes", [])
    assert said(6) == (True, "no", [front_ends])
    assert said(8) == (True, "no", [front_ends, of_ads])
    refresh(now=NOW)
    assert said(8) == (True, "no", [of_ads])
    AdDirtyDay.objects.all().delete()
    assert said(8) == (False, "yes", [])
    Refresh.objects.update(failures=1)
    failed = "Computing what front ends told has failed of late, so views and clicks may be old."
    assert said(8) == (True, "no", [failed])
