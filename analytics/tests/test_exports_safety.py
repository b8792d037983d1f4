"""Reports as files: nothing in them runs, reads wrong or is lost from sight."""

import pytest

from analytics.exporting import xlsx
from analytics.exporting.csv import written
from analytics.tests.exports import content_of, report_of, table, text, workbook
from analytics.tests.factories import make_place
from analytics.tests.figures import nothing_known, sold
from analytics.types.exports import Rate, ReportFormat
from common.money import Money
from common.plain_text import LONGEST, plain
from offers.tests.factories import make_offer

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


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
