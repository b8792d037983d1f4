"""The helper itself: it finds what is wrong, and leaves out what it is told to."""

import pytest
from playwright.sync_api import Page

from config.tests.axe import serious_findings

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
