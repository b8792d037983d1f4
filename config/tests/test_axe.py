"""The helper itself: it finds what is wrong, and leaves out what it is told to."""

import pytest
from playwright.sync_api import Page

from config.tests.axe import findings_in_both_schemes, serious_findings

pytestmark = pytest.mark.browser

_PAGE = """<!doctype html><html lang="en"><head><title>A page</title></head><body><main><h1>A page</h1>
<form><input id="bare" type="text">{more}</form></main></body></html>"""


def test_a_field_without_a_name_is_found_unless_it_is_left_out(page: Page) -> None:
    """One unnamed field is one finding; excluded or labelled it is none. REQ UI-01."""
    page.set_content(_PAGE.format(more=""))
    found = serious_findings(page)
    assert [one.partition(":")[0] for one in found] == ["label"]
    assert serious_findings(page, exclude=["#bare"]) == []
    page.set_content(_PAGE.format(more='<label for="bare">Name</label>'))
    assert serious_findings(page) == []


def test_what_is_wrong_in_the_dark_alone_is_found(page: Page) -> None:
    """Text that cannot be read in one scheme is told of that scheme. REQ UI-01."""
    page.set_content(
        _PAGE.format(more="<p>Text</p>")
        + """<style>html { background: #fff } .dark, .dark p { color: #333; background: #222 }</style>
        <script>Alpine = { $data: (html) => ({ set adminTheme(scheme) { html.className = scheme } }) }</script>"""
    )
    found = findings_in_both_schemes(page)
    assert {scheme: {one.partition(":")[0] for one in said} for scheme, said in found.items()} == {
        "light": {"label"},
        "dark": {"color-contrast"},
    }
