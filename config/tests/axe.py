"""What axe-core finds wrong with a page for people who use a keyboard or a screen reader."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page

from config.local_stack.environment import ROOT

_SOURCE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_HEAVY = ("serious", "critical")


@cache
def _source() -> str:
    if not _SOURCE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    return _SOURCE.read_text(encoding="utf-8")


def serious_findings(page: Page, exclude: Iterable[str] = ()) -> list[str]:
    """Return what axe-core calls serious or critical on the page as it stands: ``rule: element (why)``.

    ``exclude`` names, as CSS selectors, parts that are not ours to mend; say beside each why.
    """
    # By the debugger's door: a script element would be stopped by the Content-Security-Policy.
    page.evaluate(_source())
    context = {"include": [["html"]], "exclude": [[one] for one in exclude]}
    answer: dict[str, Any] = page.evaluate(
        "context => axe.run(context, {resultTypes: ['violations']})", context
    )
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in answer["violations"]
        if rule["impact"] in _HEAVY
        for node in rule["nodes"]
    ]
