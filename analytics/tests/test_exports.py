"""Reports as files: the same figures as the screen's in each format, safe to open, honest about what is old."""

import re
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW, bearer, make_member, make_user
from ads.models import AdDaily
from analytics.exporting import csv, xlsx
from analytics.exporting.csv import written
from analytics.exporting.text import LONGEST, plain
from analytics.files import file_answer
from analytics.selectors.ads import ad_figures, all_ads
from analytics.selectors.offers import all_offers, offer_figures
from analytics.selectors.ranges import range_of
from analytics.services.known import known
from analytics.services.rollup import refresh
from analytics.tests.experiments import make_experiment, people
from analytics.tests.exports import DAY, content_of, report_of, sheet, table, text, workbook
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import broken, sold
from analytics.types.exports import Column, Content, Rate, ReportFormat, Section
from common.audit.models import AuditEntry
from common.money import Money, format_money
from offers.tests.factories import make_offer
from payments.models import Order

pytestmark = pytest.mark.django_db

FIRST = DAY - timedelta(days=2)
ADDRESS = "/api/v1/analytics/events/{}/{}"


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


@pytest.fixture
def place() -> Place:
    """An event with a bit of everything, in three currencies."""
    made = make_place(title="Zürich 2096", time_zone="Europe/Zurich", slug="zurich-2096")
    sold(made.offer, NOW - timedelta(days=1), quantity=2)
    sold(made.offer, back=700)
    sold(make_offer(event=made.event, currency="JPY", price=3000, title="Tokyo"))
    sold(make_offer(event=made.event, currency="KWD", price=12_345, title="Kuwait"), back=1)
    keep(*(told(made, session_token=f"tab-{number}") for number in range(5)), told(made, "OFFER_CLICK"))
    refresh(now=NOW)
    AdDaily.objects.create(
        ad=made.ad, day=DAY, event=made.event, impressions=8, clicks=2, billed_micros=1_234_000, computed_at=NOW
    )  # fmt: skip
    people(
        make_experiment(made.event, running=True, minimum_sample=100), (1000, 100), (1000, 180), value=1999
    )
    return made


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
        "Summary", "Revenue by currency", "Revenue by day", "Offers", "Ads", "Waitlist", "A-B tests", "Orders",
        "Ledger",
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


EVIL = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "https://evil.test/", "＝1")


def test_nothing_in_a_file_is_a_formula() -> None:
    """REQ AN-11: what people called their things is text, in each format, on every sheet."""
    place = make_place()
    for name in EVIL:
        sold(make_offer(event=place.event, title=name))
    rows = table(content_of(report_of(place, ReportFormat.CSV)))
    for section in ("offers", "orders", "ledger"):
        titles = [row["title"] for row in rows[section]]
        assert len(titles) >= len(EVIL)
        assert not any(title.startswith(("=", "+", "-", "@", "\t", "\r", " ", "＝")) for title in titles)
    book = workbook(content_of(report_of(place, ReportFormat.XLSX)))
    cells = [cell for one in book.worksheets for line in one.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not any(cell.hyperlink for cell in cells)
    assert "=1+1" in {cell.value for cell in cells}


def test_text_is_one_line_of_what_can_be_seen() -> None:
    """REQ AN-11: control characters and those that turn a line around are gone; numbers keep their sign."""
    assert plain("a\x00b\u202egnp.exe\u2066\ufeff\nc\td") == "abgnp.exe c d"
    assert (len(plain("x" * 40_000)), plain("مرحبا 北京")) == (LONGEST, "مرحبا 北京")
    cells = ("-5", -5, -0.5, Money(-1999, "USD"), Money(-3000, "JPY"), Rate(0.125), Rate(None), None, True)
    assert [written(cell) for cell in cells] == [
        "'-5", "-5", "-0.5", "-19.99", "-3000", "0.125000", "", "", "True",
    ]  # fmt: skip


def test_names_that_a_font_lacks_are_seen_to_be_missing() -> None:
    """REQ AN-11: Arabic is there, Chinese and emoji are boxes that the document explains, long names end in dots."""
    place = make_place(title="北京 🎉 مرحبا")
    sold(make_offer(event=place.event, title="W" * 200))
    said = text(content_of(report_of(place, ReportFormat.PDF)))
    assert "□□ □" in said
    assert "font does not have" in said
    assert "W…" in said
    rows = table(content_of(report_of(place, ReportFormat.CSV)))
    assert rows["summary"][0]["value"] == "北京 🎉 مرحبا"
    assert rows["offers"][0]["title"] == "W" * 200


@pytest.mark.parametrize(
    ("currency", "wanted"),
    [
        ("USD", '"$"#,##0.00;-"$"#,##0.00'),
        ("JPY", '"¥"#,##0;-"¥"#,##0'),
        ("KRW", '#,##0" KRW";-#,##0" KRW"'),
        ("KWD", '#,##0.000" KWD";-#,##0.000" KWD"'),
    ],
)
def test_a_spreadsheet_writes_money_as_the_house_does(currency: str, wanted: str) -> None:
    """REQ UI-05: one formatter, also for decimals that a currency does not have."""
    assert xlsx.number_format(currency) == wanted


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


def test_rows_are_read_page_after_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: each order once, whatever the page's size, also where many came in one instant."""
    for _ in range(9):
        sold(place.offer, NOW - timedelta(hours=1))
    whole = table(content_of(report_of(place, ReportFormat.CSV, FIRST)))
    monkeypatch.setattr("analytics.selectors.details.PAGE", 2)
    paged = table(content_of(report_of(place, ReportFormat.CSV, FIRST)))
    assert len(whole["orders"]) == 13 == len({row["order"] for row in paged["orders"]})
    assert (paged["orders"], paged["ledger"]) == (whole["orders"], whole["ledger"])


def test_a_fixed_number_of_statements(place: Place) -> None:
    """REQ AN-11: for a page of orders the same, whether it has four or forty."""

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            content_of(report_of(place, ReportFormat.CSV, FIRST))
        return len(asked)

    few = statements()
    for _ in range(12):
        sold(make_offer(event=place.event))
    assert statements() == few


def long_content(count: int) -> Content:
    """Return a report with so many rows, made as they are read."""
    columns = (Column("title", "What"), Column("amount", "Amount"), Column("created_at", "At"))
    rows = ((f"Order {number}", Money(number, "USD"), NOW) for number in range(count))
    section = Section("orders", "Orders", "What was ordered.", columns, rows)
    return Content("Long", "House", "UTC", NOW, NOW, (section,))


def peak(work: Any) -> int:
    """Return the most memory that was held meanwhile, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows() -> None:
    """REQ AN-11: 3,000 rows more take next to nothing; were they kept, it would be more than twice that."""

    def as_workbook(count: int) -> int:
        with tempfile.TemporaryFile() as file:
            return peak(lambda: xlsx.write(long_content(count), file))

    def as_csv(count: int) -> int:
        return peak(lambda: [len(chunk) for chunk in csv.chunks(long_content(count))])

    as_workbook(10), as_csv(10)  # what is loaded once
    for measure in (as_workbook, as_csv):
        assert measure(4_000) - measure(1_000) < 200_000
    assert peak(lambda: list(long_content(3_000).sections[0].rows)) > 400_000  # what it would be


def orders(place: Place, count: int, name: str = "L") -> None:
    """Write many paid orders, by one statement."""
    template = Order.objects.filter(event=place.event).first()
    assert template is not None
    names = [field.column for field in Order._meta.concrete_fields]
    changed = {
        "id": "gen_random_uuid()", "number": f"'{name}-' || n", "purpose_id": "gen_random_uuid()",
        "created_at": "o.created_at + n * interval '1 second'",
    }  # fmt: skip
    columns = ", ".join(changed.get(name, f"o.{name}") for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO payments_order ({', '.join(names)}) SELECT {columns} FROM payments_order o, "  # noqa: S608
            "generate_series(1, %s) n WHERE o.id = %s",
            [count, template.pk],
        )


def test_memory_does_not_grow_with_the_orders_of_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: read from the database too, a page is held at a time."""
    place = make_place()
    sold(place.offer)

    def measure() -> tuple[int, int]:
        lines: list[int] = []
        used = peak(
            lambda: lines.extend(
                chunk.count(b"\n") for chunk in report_of(place, ReportFormat.CSV, FIRST).chunks()
            )
        )
        return used, sum(lines)

    monkeypatch.setattr("analytics.selectors.details.PAGE", 100)
    measure()  # what is loaded once
    orders(place, 300)
    (few, some) = measure()
    orders(place, 1_200, "M")
    (many, more) = measure()
    assert more - some == 1_200
    assert many - few < 500_000


def test_a_sheet_that_is_full_goes_on_in_the_next() -> None:
    """REQ AN-06: no row is lost at Excel's limit."""
    with tempfile.TemporaryFile() as file:
        xlsx.write(long_content(25), file, most_rows=13)
        file.seek(0)
        book = workbook(file.read())
    assert book.sheetnames == ["Orders", "Orders 2", "Orders 3"]
    found = [row["What"] for name in book.sheetnames for row in sheet(book, name)]
    assert found == [f"Order {number}" for number in range(25)]
    assert xlsx.MOST_ROWS == 1_048_576


def failing(content: Content) -> Content:
    """Return a report that fails on its way."""

    def rows() -> Iterator[tuple[Any, ...]]:
        yield from [("a", Money(1, "USD"), NOW)] * 1_000
        raise RuntimeError("no more")

    [section] = content.sections
    content.sections = (Section(section.name, section.title, section.definition, section.columns, rows()),)
    return content


def go_away(answer: Any) -> None:
    """Close an answer as the server does when its caller is gone, but without the test's connection."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: neither when writing fails, nor when the caller goes away before the first piece or after it."""
    place = make_place()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with tempfile.TemporaryFile() as file, pytest.raises(RuntimeError, match="no more"):
        xlsx.write(failing(long_content(1)), file)
    assert list(tmp_path.iterdir()) == []
    for pieces in (0, 1):
        answer = file_answer(report_of(place, ReportFormat.XLSX))
        for _, piece in zip(range(pieces), answer.streaming_content, strict=False):
            assert piece.startswith(b"PK")
        go_away(answer)
        assert list(tmp_path.iterdir()) == []
    report = report_of(place, ReportFormat.PDF)
    report.close()
    with pytest.raises(ValueError, match="closed"):
        next(report.chunks())


@pytest.mark.parametrize(
    ("report_format", "content_type", "begins"),
    [
        ("csv", "text/csv; charset=utf-8", b"section,"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("pdf", "application/pdf", b"%PDF"),
    ],
)
def test_the_door(client: Client, place: Place, report_format: str, content_type: str, begins: bytes) -> None:
    """REQ AN-06: a file with a safe name that nobody keeps or guesses at; who had it is in the history."""
    analyst = make_member("analyst", organization=place.event.organization)
    place.event.__class__.objects.filter(pk=place.event.pk).update(slug='a"b\r\n/../ü')
    url = f"{ADDRESS.format(place.event.pk, 'export')}?format={report_format}&date_from={FIRST}&date_to={DAY}"
    answer = client.get(url, headers={**bearer(analyst), "Accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    assert answer.streaming
    assert answer.getvalue().startswith(begins)
    name = f"report-a-b-{FIRST}-{DAY}.{report_format}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("no-store", "nosniff")
    [entry] = AuditEntry.objects.filter(action="analytics.export")
    assert (entry.actor_id, entry.subject_id) == (analyst.pk, str(place.event.pk))
    assert entry.changes == {
        "format": [None, report_format], "date_from": [None, str(FIRST)], "date_to": [None, str(DAY)],
        "buyers": [None, False],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "format"),
        ("format=xls", "format"),
        ("format=", "format"),
        ("format=csv&sheet=1", "sheet"),
        ("format=csv&date_from=2096-01-02&date_to=2096-01-01", "date_to"),
        ("format=csv&date_from=2095-01-01&date_to=2096-01-01", "date_to"),
        ("format=csv&date_from=yesterday", "date_from"),
    ],
)
def test_what_is_no_report(client: Client, query: str, field: str) -> None:
    """REQ AN-03, AN-06: 400 with the field's name, nothing made and nothing in the history."""
    event = make_place().event
    analyst = make_member("analyst", organization=event.organization)
    answer = client.get(f"{ADDRESS.format(event.pk, 'export')}?{query}", headers=bearer(analyst))
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not AuditEntry.objects.filter(action="analytics.export").exists()


def test_whose_report_it_is(client: Client, place: Place) -> None:
    """REQ EV-03, AN-06: analysts and up; only who may see orders sees who bought; too many a minute are refused."""
    url = f"{ADDRESS.format(place.event.pk, 'export')}?format=csv&date_from={FIRST}&date_to={DAY}"
    scanner = make_member("scanner", organization=place.event.organization)
    rival = make_member("owner")
    assert client.get(url).status_code == 401
    assert [client.get(url, headers=bearer(who)).status_code for who in (scanner, rival, make_user())] == [
        403,
        404,
        404,
    ]
    assert not AuditEntry.objects.filter(action="analytics.export").exists()
    buyers = {str(order.buyer.email) for order in Order.objects.select_related("buyer")}
    for role, sees in (("analyst", False), ("staff", True), ("owner", True)):
        member = make_member(role, organization=place.event.organization)
        content = client.get(url, headers=bearer(member)).getvalue().decode()
        assert {one for one in buyers if one in content} == (buyers if sees else set())
        assert ("left out" in content) is not sees
    codes = [client.get(url, headers=bearer(member)).status_code for _ in range(10)]
    assert codes == [200] * 9 + [429]
