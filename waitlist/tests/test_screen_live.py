"""The staff's waitlist screen in a browser: it follows the queue, and can be used without a mouse. REQ UI-01."""

import itertools

import pytest
from playwright.sync_api import Page, Request, expect

from accounts.models import User
from accounts.tests.factories import make_member
from common import clock
from config.tests.axe import CLEAN, findings_in_both_schemes
from config.tests.browser import browser
from config.tests.live import House, house, realtime, seconds_until
from notifications.realtime.constants import WAITLIST_CHANGED, waitlist_room
from notifications.realtime.streams import announce
from waitlist.services import staff
from waitlist.tests.factories import join, staff_of, statuses
from waitlist.tests.screen import LIST, Queue, make_queue

__all__ = ["browser", "house", "realtime"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SOON_MS = 5_000
BACK_MS = 40_000


def open_queue(house: House, queue: Queue, query: str = "") -> Page:
    """Open the queue's page as its staff and wait until it is live and has been read afresh."""
    page = house.open(_staff(queue), "")
    with page.expect_response(lambda answer: "part=queue" in answer.url):
        page.goto(f"{house.url}{queue.page}{query}")
    expect(page.locator("#live-status")).to_have_text("Live")
    return page


def _staff(queue: Queue) -> User:
    return make_member("staff", organization=queue.organization)


def refreshes(page: Page) -> list[str]:
    """Return the list in which each refresh from now on is noted."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if "part=queue" in request.url:
            seen.append(request.url)

    page.on("request", note)
    return seen


def test_another_persons_joining_shows_by_itself(house: House) -> None:
    """REQ UI-01: no reload; the list, the counts and the news say it; ticks, focus and typing stay."""
    queue = make_queue(3)
    page = open_queue(house, queue)
    first, second, _ = queue.entries
    page.locator(f"#tick-{second.pk}").check()
    page.get_by_label("Name or e-mail").fill("half a na")
    page.get_by_role("link", name=f"Move {first.user.email}", exact=True).focus()
    page.evaluate("() => { window.isTheSame = true; }")
    late = join(queue.session, now=clock.now())
    row = page.locator(f"#entry-{late.pk}")
    assert seconds_until(lambda: expect(row).to_be_visible(timeout=SOON_MS)) < SOON_MS / 1000
    expect(page.locator("#showing")).to_have_text("Showing 1-4 of 4")
    expect(page.locator("#live-news")).to_have_text("4 waiting, 0 open offers, 0 free.")
    assert page.locator(f"#tick-{second.pk}").is_checked()
    assert page.get_by_label("Name or e-mail").input_value() == "half a na"
    focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert focused == f"Move {first.user.email}"
    assert page.evaluate("() => window.isTheSame") is True


def test_the_page_number_and_the_filters_are_kept(house: House) -> None:
    """REQ UI-01: what a colleague does shows on the second page of a search without leaving it."""
    queue = make_queue(30)
    page = open_queue(house, queue, "?q=person&page=2")
    expect(page.locator("#showing")).to_have_text("Showing 26-30 of 30")
    staff.remove(
        actor=staff_of(queue.session),
        session_id=queue.session.pk,
        entry_id=queue.entries[0].pk,
        now=clock.now(),
    )
    expect(page.locator("#showing")).to_have_text("Showing 26-29 of 29", timeout=SOON_MS)
    expect(page.locator('[aria-current="page"]')).to_have_text("2")
    assert page.url.endswith("?q=person&page=2")


def test_many_changes_in_a_second_are_few_refreshes(house: House) -> None:
    """REQ UI-01: twenty people at once: refreshes a second or more apart, news three seconds or more apart."""
    queue = make_queue(1)
    page = open_queue(house, queue)
    page.evaluate(
        """() => {
            window.news = [];
            new MutationObserver(() => window.news.push(performance.now()))
                .observe(document.querySelector('#live-news'), {childList: true});
        }"""
    )
    seen = refreshes(page)
    # As the server would tell of twenty changes in one moment.
    told = {"waiting": 9, "offered": 0, "free": 0, "session_id": str(queue.session.pk)}
    for _ in range(20):
        announce(waitlist_room(queue.session.pk), WAITLIST_CHANGED, told, now=clock.now())
    expect(page.locator("#live-news")).to_have_text("9 waiting, 0 open offers, 0 free.", timeout=SOON_MS)
    page.wait_for_timeout(4_000)
    # The events may fall on both sides of one second's end.
    assert 1 <= len(seen) <= 2
    news = page.evaluate("() => window.news")
    assert len(news) <= 2
    assert all(later - earlier >= 2_900 for earlier, later in itertools.pairwise(news))


def test_a_lost_line_is_said_and_made_good(house: House) -> None:
    """REQ UI-01: the process dies: "Reconnecting..."; it comes back: "Live", with what happened meanwhile."""
    queue = make_queue(1)
    page = open_queue(house, queue)
    house.realtime.kill()
    try:
        expect(page.locator("#live-status")).to_have_text("Reconnecting...", timeout=SOON_MS)
        late = join(queue.session, now=clock.now())
        expect(page.locator(f"#entry-{late.pk}")).to_have_count(0)
    finally:
        house.realtime.start()
    expect(page.locator("#live-status")).to_have_text("Live", timeout=BACK_MS)
    expect(page.locator(f"#entry-{late.pk}")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        label = page.evaluate(
            "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
        )
        if (label or "").strip() == name:
            return
    raise AssertionError(f"the keyboard never reaches {name!r}")


def test_a_keyboard_is_enough(house: House) -> None:
    """REQ UI-01: offer, move and remove are reached by Tab, filled in, and sent by Enter."""
    queue = make_queue(3, free=1)
    first, second, third = queue.entries
    page = open_queue(house, queue)
    tab_to(page, f"Offer a seat to {second.user.email}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Offer a seat", exact=True)).to_be_visible()
    tab_to(page, "Offer a seat")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Offered to {second.user.email}.")).to_be_visible()
    tab_to(page, f"Move {third.user.email}")
    page.keyboard.press("Enter")
    page.get_by_label("New position").focus()
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.type("Came by wheelchair")
    tab_to(page, "Move")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{third.user.email} is number 1 now.")).to_be_visible()
    tab_to(page, f"Choose {first.user.email}")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Remove the ticked").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Reason").focus()
    page.keyboard.type("Asked for it")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{first.user.email} was removed.")).to_be_visible()
    assert statuses(queue.entries) == ["REMOVED", "OFFERED", "WAITING"]


def test_nothing_keeps_people_out(house: House) -> None:
    """REQ UI-01: axe-core finds nothing serious on the list, the queue and the acts' pages, in light and dark."""
    queue = make_queue(30, capacity=4, free=2)
    entry = queue.entries[0].pk
    staff.offer(
        actor=staff_of(queue.session),
        session_id=queue.session.pk,
        user_id=queue.entries[3].user_id,
        now=clock.now(),
    )
    page = house.open(make_member("owner", organization=queue.organization), LIST)
    # One page serves all acts; the others ask for a reason alone, as the refused one below.
    acts = ("bulk-offer", "move", "capacity", "terms")
    addresses = [LIST, queue.page, *(f"{queue.act(name)}?entry={entry}" for name in acts)]
    found = {}
    for address in addresses:
        page.goto(f"{house.url}{address}")
        found[address] = findings_in_both_schemes(page)
    page.goto(f"{house.url}{queue.act('remove')}?entry={entry}")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator('[aria-invalid="true"]')).to_have_count(1)
    found["refused"] = findings_in_both_schemes(page)
    assert {where: what for where, what in found.items() if what != CLEAN} == {}
