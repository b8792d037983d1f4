"""Reports as files: the same figures as the screen's in each format, safe to open, honest about what is old."""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import NOW, bearer, make_member
from analytics.selectors.ads import ad_figures, all_ads
from analytics.selectors.funnel import funnel
from analytics.selectors.offers import all_offers, offer_figures
from analytics.selectors.ranges import range_of
from analytics.tests.exports import (
    DAY,
    FIRST,
    busy_place,
    content_of,
    report_of,
    sheet,
    table,
    text,
    workbook,
)
from analytics.tests.factories import Place
from analytics.tests.figures import broken, nothing_known, sold
from analytics.types.exports import ReportFormat
from common.money import Money, format_money
from offers.tests.factories import make_offer

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/analytics/events/{}/{}"


@pytest.fixture
def place() -> Place:
    """An event with a bit of everything, in three currencies."""
    return busy_place()


def screen(client: Client, place: Place, first: date = FIRST) -> dict[str, Any]:
    """Return what the screen's door answers to an analyst."""
    analyst = make_member("analyst", organization=place.event.organization)
    url = ADDRESS.format(place.event.pk, "monetization")
    answer: dict[str, Any] = client.get(
        f"{url}?date_from={first}&date_to={DAY}", headers=bearer(analyst)
    ).json()
    return answer


def shown(money: dict[str, Any]) -> str:
    """Return an amount of REST as people read it."""
    return format_money(Money(money["amount"], money["currency"]))


def amount(money: dict[str, Any]) -> Decimal:
    """Return an amount of REST in whole units."""
    return Money(money["amount"], money["currency"]).decimal


SUMS = ("from_offers", "from_tickets", "from_ads", "refunds", "net")


def test_a_pdf_says_what_the_screen_says(client: Client, place: Place) -> None:
    """REQ AN-06, AN-11: totals to the cent, each day, each currency by itself."""
    answer = screen(client, place)
    said = text(content_of(report_of(place, ReportFormat.PDF, FIRST)))
    money = answer["revenue"]
    assert [shown(money[name]) for name in ("total", "refunds", "net")] == ["$61.20", "$7.00", "$54.20"]
    for one in (money, *money["other_currencies"]):
        currency = one.get("currency", "USD")
        line = " ".join([currency, shown(one["total"]), *(shown(one[name]) for name in SUMS)])
        assert line in " ".join(said.split()), line
    for one in money["by_day"]:
        assert re.search(rf"{one['date']}.*{re.escape(shown(one['net']))}", said), one
    assert "5" in said
    assert "62.50 %" not in said  # four things bought of five views
    assert "80.00 %" in said
    assert "B wins" in said


def test_a_workbook_says_what_the_screen_says(client: Client, place: Place) -> None:
    """REQ AN-06: a sheet a section; numbers are numbers, days are days, money has its currency's format."""
    money = screen(client, place)["revenue"]
    book = workbook(content_of(report_of(place, ReportFormat.XLSX, FIRST)))
    assert book.sheetnames == [
        "Summary", "Revenue by currency", "Revenue by day", "Offers", "Funnel", "Ads", "Waitlist", "A-B tests",
        "Orders", "Ledger",
    ]  # fmt: skip
    by_day = sheet(book, "Revenue by day")
    assert [(row["Day"], row["Currency"], Decimal(str(row["Net"]))) for row in by_day] == [
        (datetime.fromisoformat(one["date"]), "USD", amount(one["net"])) for one in money["by_day"]
    ]
    by_currency = {row["Currency"]: row for row in sheet(book, "Revenue by currency")}
    assert (by_currency["JPY"]["Gross"], by_currency["KWD"]["Net"]) == (3000, 12.344)
    cell = book["Revenue by currency"]["B6"]
    assert (cell.data_type, cell.number_format) == ("n", '#,##0.000" KWD";-#,##0.000" KWD"')
    assert book["Revenue by day"]["A4"].is_date
    assert book["Offers"]["H4"].number_format == "0.00%"
    for one in book.worksheets:
        assert one.freeze_panes == "A4"
        assert one.auto_filter.ref.startswith("A3:")
        assert one.column_dimensions["A"].width > 8
    [first, *_] = sheet(book, "Orders")
    assert (first["Paid (Europe/Zurich)"], first["Amount"]) == (datetime(2096, 11, 20, 13), 39.98)  # noqa: DTZ001


def test_a_csv_is_one_table_for_programs(client: Client, place: Place) -> None:
    """REQ AN-06, AN-11: the ledger's rows add up to the screen's figures; a number below zero stays one."""
    money = screen(client, place)["revenue"]
    content = content_of(report_of(place, ReportFormat.CSV, FIRST))
    assert content.startswith(b"section,about,")
    found = table(content)
    assert {row["about"] for row in found["definitions"]} == set(found) - {"definitions", "notes"} | {
        "waitlist"
    }
    moved: Counter[tuple[str, bool]] = Counter()
    for row in found["ledger"]:
        moved[row["currency"], row["movement"] == "Charge"] += Decimal(row["amount"])  # type: ignore[assignment]
    assert moved["USD", True] == amount(money["from_offers"]) == Decimal("59.97")
    assert moved["USD", False] == -amount(money["refunds"]) == Decimal("-7.00")
    assert {row["amount"] for row in found["ledger"] if row["currency"] == "KWD"} == {"12.345", "-0.001"}
    assert {row["date"]: Decimal(row["net"]) for row in found["revenue_by_day"]} == {
        one["date"]: amount(one["net"]) for one in money["by_day"]
    }
    assert len(found["orders"]) == 4
    [control, better] = found["experiments"]
    assert (control["conversion_rate"], better["conversion_rate"]) == ("0.100000", "0.180000")
    assert better["verdict"] == "B wins"
    assert float(better["p_value_always_valid"]) < 0.05
    summary = {row["figure"]: row.get("value") for row in found["summary"]}
    assert (summary["Gross revenue"], summary["All figures are new"]) == ("61.20", "yes")


def test_all_offers_and_ads_are_listed_as_the_best_are(place: Place) -> None:
    """REQ AN-06: the screen's best five stand first, and nothing that was sold or shown is left out."""
    for number in range(7):
        sold(make_offer(event=place.event, price=100 * (number + 1)))
    wanted = range_of(place.event, FIRST, DAY, now=NOW)
    offers, ads = all_offers(place.event, wanted), all_ads(place.event, wanted)
    assert offers[:5] == offer_figures(place.event, wanted).top_performers
    assert [one.revenue.currency for one in offers] == ["USD"] * 8 + ["JPY", "KWD"]
    assert ads == ad_figures(place.event, wanted).top_performers


def test_the_funnel_is_the_consoles(place: Place) -> None:
    """REQ AN-05, AN-06: the stages with their counts, what went on and what did not, the same in each format."""
    book = workbook(content_of(report_of(place, ReportFormat.XLSX, FIRST)))
    stages = funnel(offer_figures(place.event, range_of(place.event, FIRST, DAY, now=NOW)))
    assert [(row["Stage"], row["Count"], row["Compared with"]) for row in sheet(book, "Funnel")] == [
        (one.name, one.count, one.after or None) for one in stages
    ]
    rows = table(content_of(report_of(place, ReportFormat.CSV, FIRST)))
    assert rows["funnel"] == [
        {"stage": "Views", "count": "5"},
        {
            "stage": "Clicks",
            "count": "1",
            "compared_with": "Views",
            "rate": "0.200000",
            "drop_off": "0.800000",
        },
        {"stage": "Carts"},
        # Four were bought and one was clicked: something was not told, so no share is made up.
        {"stage": "Purchases", "count": "4", "compared_with": "Clicks"},
    ]
    assert {
        "about": "funnel",
        "text": "Front ends told of none of these, so they are left empty: carts.",
    } in rows["notes"]
    said = " ".join(text(content_of(report_of(place, ReportFormat.PDF, FIRST))).split())
    assert "Clicks 1 Views 20.00 % 80.00 %" in said
    assert "Purchases 4 Clicks N/A N/A" in said


def test_old_figures_say_so_in_each_format(place: Place) -> None:
    """REQ AN-11: which part is old and since when; what could not be had is not known, never zero."""
    before = NOW - timedelta(hours=3)
    content_of(report_of(place, ReportFormat.PDF, FIRST, now=before))
    broken("payments_ledgerentry")
    files = {}
    for one in ReportFormat:
        report = report_of(place, one, FIRST)
        files[one] = content_of(report)
        assert (report.is_stale, report.as_of) == (True, before)
    told_by_csv = table(files[ReportFormat.CSV])
    old = "Revenue: old figures, of 21 Nov 2096, 10:00 CET; newer ones could not be had."
    assert {"about": "summary", "text": old} in told_by_csv["notes"]
    assert [row["about"] for row in told_by_csv["notes"] if "rest could not be read" in row["text"]] == [
        "ledger"
    ]
    assert "ledger" not in told_by_csv
    assert [row["net"] for row in told_by_csv["revenue_by_day"]][-1] == "14.22"
    book = workbook(files[ReportFormat.XLSX])
    assert old in book["Summary"]["A2"].value
    assert "rest could not be read" in book["Ledger"]["A4"].value
    said = " ".join(text(files[ReportFormat.PDF]).split())
    assert "Some of these figures are old or missing" in said
    assert old in said
    # Of other days there is no answer to stand in.
    gone = table(content_of(report_of(place, ReportFormat.CSV, FIRST - timedelta(days=1))))
    assert "revenue_by_day" not in gone
    assert "Gross revenue" not in {row["figure"] for row in gone["summary"]}
    assert any("not zero" in row["text"] for row in gone["notes"] if row["about"] == "revenue_by_day")
