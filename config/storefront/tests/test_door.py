"""A holder shows a ticket, and whoever stands at the door scans it, in a real browser. REQ UI-03, TK-01, TK-02."""

import os
import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.tests.factories import make_member, make_user
from config.tests.axe import serious_findings
from tickets.letters import shown_manual_code
from tickets.models import TicketScan
from tickets.tests.factories import make_ticket, make_tier

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery staple"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def enter(page: Page, shop: LiveServer, user: User, path: str) -> None:
    """Sign in, ending at the page."""
    page.goto(f"{shop.url}/signin?next={path}")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_ticket_is_shown_and_typed_at_the_door(page: Page, shop: LiveServer, settings: Settings) -> None:
    """The living code and its letters; in, then "used already"; without a network it is kept and sent later.

    Past the limit the page says how long to wait, and nothing of the ticket.
    """
    tier = make_tier(name="Balcony")
    holder = make_user("holder@example.test", password=PASSWORD, name="Hana Holder")
    ticket, later = make_ticket(holder=holder, tier=tier), make_ticket(tier=tier)
    scanner = make_member("scanner", organization=tier.event.organization, email="door@example.test")
    scanner.set_password(PASSWORD)
    scanner.save()
    enter(page, shop, holder, f"/tickets/{ticket.pk}")
    expect(page.get_by_role("img", name="The QR code of your ticket")).to_be_visible()
    expect(page.locator("#manual")).to_have_text(shown_manual_code(ticket.manual_code))
    expect(page.locator("#code-life")).to_contain_text("good for 4:")
    assert serious_findings(page) == []
    page.goto(f"{shop.url}/tickets/{later.pk}")
    expect(page.locator("#notice")).to_have_text("This is no ticket of yours.")
    expect(page.locator("#tickets")).to_contain_text(ticket.number)
    page.get_by_role("button", name="Sign out").click()
    enter(page, shop, scanner, "/scan")
    expect(page.locator("#figures")).to_have_text("0 of 2 tickets came.")
    page.get_by_label("Gate").fill("North")
    for words in ("✓ Let in", "✕ Used already"):
        page.get_by_label("Type the code").fill(ticket.manual_code.lower())
        page.get_by_role("button", name="Check").click()
        expect(page.locator(".verdict")).to_have_text(words)
        expect(page.locator("#result")).to_contain_text(f"Hana Holder · Balcony · {ticket.number}")
    expect(page.locator("#result")).to_contain_text(", North.")
    assert serious_findings(page) == []
    page.context.set_offline(True)
    page.get_by_label("Type the code").fill(later.manual_code)
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".verdict")).to_have_text("… Kept, not checked")
    expect(page.locator("#kept")).to_contain_text("1 scan is kept here")
    page.context.set_offline(False)
    expect(page.locator("#kept")).to_have_text("", timeout=20_000)
    kept = TicketScan.objects.order_by("received_at").values_list("result", "gate", "scanner__email")
    here = ("North", "door@example.test")
    assert list(kept) == [("accepted", *here), ("duplicate", *here), ("accepted", *here)]
    settings.SCAN_RATE_LIMIT = 1
    for words in ("✕ Used already", re.compile(r"^Wait \d+ s$")):
        page.get_by_label("Type the code").fill(later.manual_code)
        page.get_by_role("button", name="Check").click()
        expect(page.locator(".verdict")).to_have_text(words)
    expect(page.get_by_label("Type the code")).to_have_value(later.manual_code)
    assert TicketScan.objects.count() == 4
