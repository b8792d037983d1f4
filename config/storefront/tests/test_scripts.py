"""The pages' own scripts, run by node against the same cases as the server's functions."""

import json
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from common.money import CURRENCIES, Money, decimal_string, exponent

pytestmark = pytest.mark.node

SCRIPTS = Path(settings.BASE_DIR) / "static" / "storefront"


def run_module(source: str) -> object:
    """Run a module beside the pages' scripts and read what it prints as JSON."""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", source], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_currencies_have_the_same_decimals_in_browser_and_server() -> None:
    """Every currency that the server knows has as many decimals in the browser. REQ UI-05, PA-11."""
    source = (
        'import { exponent } from "./money.js";'
        f"const all = {json.dumps(sorted(CURRENCIES))};"
        "console.log(JSON.stringify(Object.fromEntries(all.map((c) => [c, exponent(c)]))));"
    )
    assert run_module(source) == {currency: exponent(currency) for currency in CURRENCIES}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(1999, "USD"), (5, "USD"), (0, "EUR"), (-150, "EUR"), (500, "JPY"), (1999, "KWD")],
)
def test_minor_units_become_the_same_decimals(amount: int, currency: str) -> None:
    """An amount reads the same in the browser as on the server. REQ UI-05."""
    source = (
        'import { decimalString } from "./money.js";'
        f"console.log(JSON.stringify(decimalString({amount}, {json.dumps(currency)})));"
    )
    assert run_module(source) == decimal_string(Money(amount, currency))


def test_a_rate_without_a_base_is_not_a_number() -> None:
    """A rate with nothing below it is shown as N/A. REQ UI-05."""
    shown = "console.log(JSON.stringify([formatRate(null), formatRate(0.125)]));"
    source = f'import {{ formatRate }} from "./money.js"; {shown}'
    assert run_module(source) == ["N/A", "12.5%"]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "1 Jul 2027, 19:30 CEST"),
        ("America/New_York", "1 Jul 2027, 13:30 GMT-4"),
        ("UTC", "1 Jul 2027, 17:30 UTC"),
    ],
)
def test_a_time_names_its_zone(zone: str, shown: str) -> None:
    """Until when a seat is offered must not be misread by who is in another zone than the event. REQ UI-03."""
    source = 'import { formatTime } from "./dom.js";'
    told = f'formatTime("2027-07-01T17:30:00Z", {json.dumps(zone)})'
    assert run_module(f"{source} console.log(JSON.stringify({told}));") == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [
        ("null", "We cannot say yet how long it takes."),
        ("1", "About 1 minute."),
        ("59", "About 59 minutes."),
        ("60", "About 1 hour."),
        ("61", "About 2 hours."),
    ],
)
def test_a_wait_is_told_in_words(minutes: str, shown: str) -> None:
    """REQ UI-03, WL-04: rounded up, never more exact than it is known."""
    source = 'import { waitText } from "./dom.js";'
    assert run_module(f"{source} console.log(JSON.stringify(waitText({minutes})));") == shown
