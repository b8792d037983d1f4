"""What axe-core finds wrong with a page for people who use a keyboard or a screen reader."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config.local_stack.environment import ROOT

_SOURCE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CLEAN: dict[str, list[str]] = {"light": [], "dark": []}
_HEAVY = ("serious", "critical")
_OF_COLOURS = ("color-contrast", "link-in-text-block")
_FADED = """() => Promise.all(document.getAnimations()
    .filter(one => one.effect.getComputedTiming().iterations !== Infinity).map(one => one.finished))"""


@cache
def _source() -> str:
    if not _SOURCE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    return _SOURCE.read_text(encoding="utf-8")


def serious_findings(page: Page, exclude: Iterable[str] = (), only: Iterable[str] = ()) -> list[str]:
    """Return what axe-core calls serious or critical on the page as it stands: ``rule: element (why)``.

    ``exclude`` names, as CSS selectors, parts that are not ours to mend; say beside each why. ``only`` names the
    rules that are asked; none: all.
    """
    # By the debugger's door: a script element would be stopped by the Content-Security-Policy.
    page.evaluate(_source())
    context = {"include": [["html"]], "exclude": [[one] for one in exclude]}
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": list(only)}
    answer: dict[str, Any] = page.evaluate(
        "([context, options]) => axe.run(context, options)", [context, options]
    )
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in answer["violations"]
        if rule["impact"] in _HEAVY
        for node in rule["nodes"]
    ]


def findings_in_both_schemes(page: Page) -> dict[str, list[str]]:
    """Return the serious findings on a page of the admin by scheme: in light all, in dark those of colours.

    Nothing else differs between them.
    """
    found = {"light": serious_findings(page)}
    _switch(page, "dark")
    found["dark"] = serious_findings(page, only=_OF_COLOURS)
    _switch(page, "light")
    return found


def _switch(page: Page, scheme: str) -> None:
    page.evaluate("scheme => { Alpine.$data(document.documentElement).adminTheme = scheme }", scheme)
    expect(page.locator("html")).to_contain_class(scheme)
    # Colours fade over: until then they are neither.
    page.evaluate(_FADED)
