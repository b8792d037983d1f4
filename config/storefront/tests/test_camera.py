"""The door's camera in a real browser, which films a ticket that was printed. REQ UI-03, TK-02."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.tests.factories import make_member, make_user
from common import clock
from config.local_stack.environment import ROOT
from config.local_stack.testing import patience
from config.tests.qr import drawn_squares, film
from tickets.models import Ticket, TicketScan
from tickets.services.printing import pages_of
from tickets.services.ticket_pages import SQUARE
from tickets.tests.factories import make_policy, make_ticket, make_tier

PASSWORD = "correct horse battery staple"


def look(page: Page, words: str) -> None:
    """Start the camera, wait for what the page says of the ticket, and stop it."""
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".verdict")).to_have_text(words)
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("#video")).to_be_hidden()


def at_the_door(page: Page, url: str, scanner: User) -> None:
    """Sign in at the door, in a browser that reads no codes by itself."""
    page.add_init_script("delete window.BarcodeDetector")
    page.goto(f"{url}/signin?next=/scan")
    page.get_by_label("E-mail").fill(scanner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Gate").fill("North")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_camera_scans_a_printed_ticket(live_server: LiveServer, chromium: str, tmp_path: Path) -> None:
    """Not allowed, the page says so and is ready for typing; allowed, it reads the ticket: in, then "used already".

    With the decoder that is shipped, under the pages' own Content-Security-Policy.
    """
    ticket = make_ticket(holder=make_user(name="Hana Holder"), tier=make_tier(name="Balcony"))
    make_policy(ticket.event, accepts_printed=True)
    scanner = make_member("scanner", organization=ticket.event.organization, email="door@example.test")
    scanner.set_password(PASSWORD)
    scanner.save()
    row = Ticket.objects.select_related(
        "event__organization", "event__checkin_policy", "tier", "holder"
    ).get()
    film(tmp_path / "ticket.y4m", drawn_squares(pages_of([row], now=clock.now()), millimetres=SQUARE))
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox", "--disable-gpu", "--no-first-run", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={tmp_path / 'ticket.y4m'}",
            ],
        )  # fmt: skip
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.set_default_timeout(patience.MS)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Security Policy" in said.text else None)
        at_the_door(page, live_server.url, scanner)
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator("#camera-hint")).to_have_text(re.compile("^The camera is not allowed"))
        expect(page.get_by_label("Type the code")).to_be_focused()
        context.grant_permissions(["camera"])
        look(page, "✓ Let in")
        expect(page.locator("#result")).to_contain_text(f"Hana Holder · Balcony · {ticket.number}")
        look(page, "✕ Used already")
        browser.close()
    assert errors == []
    assert list(TicketScan.objects.order_by("received_at").values_list("result", "kind", "gate")) == [
        ("accepted", "PRINTED", "North"),
        ("duplicate", "PRINTED", "North"),
    ]


@pytest.mark.node
def test_the_shipped_decoder_is_the_published_one() -> None:
    """Every file of it is the npm package's, byte for byte, with both its licences. REQ UI-03."""
    published = ROOT / "node_modules" / "qr"
    if not published.exists():
        pytest.skip("the npm packages are not installed: make node")
    shipped = {one.name: one.read_bytes() for one in (ROOT / "static" / "vendor" / "qr").iterdir()}
    assert sorted(shipped) == ["LICENSE", "LICENSE-MIT", "decode.js", "index.js"]
    for name, content in shipped.items():
        assert content == (published / name).read_bytes(), name
