"""People wait for a seat in real browsers: they see their place move, are offered a seat, answer in time. REQ UI-03."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_user
from common import clock
from config.local_stack.valkey import EmbeddedValkey
from config.tests.axe import serious_findings
from config.tests.live import House, house, realtime, seconds_until
from events.models import Attendance, AttendanceStatus, Session
from events.services import sessions
from events.tests.factories import make_registration, make_session
from notifications.models import EmailMessage
from tickets.models import Priority
from waitlist.models import Entry, EntryStatus
from waitlist.services import policies
from waitlist.tests.factories import books, join, make_guest, staff_of, statuses, waiting
from waitlist.tests.screen import make_event_ahead, make_queue

__all__ = ["house", "realtime"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A person hears of it within a second; a busy machine of the tests is given more.
SOON_MS = 5_000
SLOW_MS = 20_000


def page_of(session: Session) -> str:
    """Return the address of a person's page."""
    return f"/sessions/{session.pk}/waitlist"


def open_page(house: House, session: Session, user: User, *, width: int = 1440) -> Page:
    """Open the person's page and wait until it is live."""
    page = house.open(user, page_of(session), width=width)
    expect(page.locator("#live")).to_have_text("This page is live.")
    return page


def heading(page: Page, words: str, *, within: int = SOON_MS) -> None:
    """Wait until the page says so."""
    expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible(timeout=within)


def position(page: Page, place: str) -> None:
    """Wait until the page shows this position."""
    expect(page.locator("#position")).to_have_text(place, timeout=SOON_MS)


def free_a_seat(session: Session) -> None:
    """Have somebody who sits there give the seat back, as the product does it."""
    attendance = Attendance.objects.filter(session=session, status=AttendanceStatus.ATTENDING)[0]
    sessions.leave(actor=actor_of(attendance.user), session_id=session.pk, now=clock.now())


def test_from_joining_to_the_seat(house: House) -> None:
    """REQ UI-03, WL-03, WL-08: join a full session, be passed by a VIP, get the offer by itself, and the seat."""
    queue = make_queue(0)
    session = queue.session
    anna, vip = make_guest(session.event), make_guest(session.event, Priority.VIP)
    page = open_page(house, session, anna)
    heading(page, "This session is full")
    page.get_by_role("button", name="Join the waitlist").click()
    heading(page, "You are in line")
    position(page, "1")
    other = open_page(house, session, vip)
    other.get_by_role("button", name="Join the waitlist").click()
    position(other, "1")
    position(page, "2")
    expect(page.locator("#total")).to_have_text("2")
    free_a_seat(session)
    took = seconds_until(lambda: heading(other, "A seat is yours"))
    assert took < SOON_MS / 1000
    position(page, "1")
    other.get_by_role("button", name="Accept").click()
    heading(other, "You have a seat")
    assert list(Entry.objects.order_by("rank").values_list("user", "status")) == [
        (vip.pk, EntryStatus.ACCEPTED),
        (anna.pk, EntryStatus.WAITING),
    ]
    stored, counted = books(session.pk)
    assert stored == counted
    letter = EmailMessage.objects.get(to=vip.email, template="waitlist_offer")
    assert letter.is_urgent


def test_an_offer_that_runs_out_goes_to_the_next(house: House, settings: Settings) -> None:
    """REQ WL-05: the first sees that it expired, the second gets it, both without touching anything."""
    queue = make_queue(2)
    settings.WAITLIST_OFFER_TTL_SECONDS = 4
    first, second = (open_page(house, queue.session, entry.user) for entry in queue.entries)
    position(second, "2")
    free_a_seat(queue.session)
    heading(first, "A seat is yours")
    position(second, "1")
    expect(first.get_by_text("Your last offer has expired.")).to_be_visible(timeout=SLOW_MS)
    heading(second, "A seat is yours")
    second.get_by_role("button", name="Accept").click()
    heading(second, "You have a seat")
    assert statuses(queue.entries) == ["EXPIRED", "ACCEPTED"]


def test_declining_hands_the_seat_on(house: House) -> None:
    """REQ WL-04: who declines is told so, and the next has the offer."""
    queue = make_queue(2)
    first, second = (open_page(house, queue.session, entry.user) for entry in queue.entries)
    free_a_seat(queue.session)
    first.get_by_role("button", name="Decline").click()
    expect(first.get_by_text("You declined your last offer.")).to_be_visible()
    heading(second, "A seat is yours")
    assert statuses(queue.entries) == ["DECLINED", "OFFERED"]


def test_leaving_the_line_moves_the_others(house: House) -> None:
    """REQ WL-03: who leaves is out, and who stood behind moves up."""
    queue = make_queue(2)
    first, second = (open_page(house, queue.session, entry.user) for entry in queue.entries)
    first.get_by_role("button", name="Leave the line").click()
    expect(first.get_by_text("You left the line.")).to_be_visible()
    position(second, "1")
    assert statuses(queue.entries) == ["LEFT", "WAITING"]


def test_walking_in_while_there_is_room_and_giving_it_back(house: House) -> None:
    """REQ EV-08: with room and nobody waiting one takes a seat; given back, it is free again."""
    now = clock.now()
    session = make_session(
        event=make_event_ahead(),
        capacity=2,
        starts_at=now + timedelta(hours=2),
        ends_at=now + timedelta(hours=3),
    )
    guest = make_user()
    make_registration(session.event, guest)
    page = open_page(house, session, guest)
    heading(page, "There is room")
    page.get_by_role("button", name="Take a seat").click()
    heading(page, "You have a seat")
    expect(page.locator("#seats")).to_have_text("1 of 2 seats taken")
    page.get_by_role("button", name="Give it back").click()
    heading(page, "There is room")
    session.refresh_from_db()
    assert session.current_attendance == 0


def test_a_refusal_is_said_on_the_page(house: House) -> None:
    """REQ WL-01: without a ticket one does not join; the page says why, and nothing is stored."""
    queue = make_queue(0)
    page = open_page(house, queue.session, make_user())
    page.get_by_role("button", name="Join the waitlist").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.get_by_role("alert").inner_text() != ""
    assert Entry.objects.count() == 0


def test_reloading_keeps_everything(house: House) -> None:
    """REQ UI-03: the page holds nothing of its own: waiting, offered, seated are there again after a reload."""
    queue = make_queue(1)
    page = open_page(house, queue.session, queue.entries[0].user)
    page.reload()
    position(page, "1")
    free_a_seat(queue.session)
    heading(page, "A seat is yours")
    page.reload()
    page.get_by_role("button", name="Accept").click()
    heading(page, "You have a seat")
    page.reload()
    heading(page, "You have a seat")


def test_emptying_redis_changes_nothing(house: House, valkey: EmbeddedValkey) -> None:
    """REQ WL-06: the truth is in the database: positions and offers are right after a flush."""
    queue = make_queue(2)
    first, second = (open_page(house, queue.session, entry.user) for entry in queue.entries)
    position(second, "2")
    valkey.flush()
    second.reload()
    position(second, "2")
    free_a_seat(queue.session)
    heading(first, "A seat is yours")
    first.get_by_role("button", name="Accept").click()
    heading(first, "You have a seat")
    assert statuses(queue.entries) == ["ACCEPTED", "WAITING"]


def test_a_choice_and_the_focus_survive_what_others_do(house: House) -> None:
    """REQ UI-03: news about others neither resets what one chose nor takes the focus away."""
    queue = make_queue(1, capacity=3)
    page = open_page(house, queue.session, make_guest(queue.session.event))
    expect(page.get_by_label("How many of you?").get_by_role("option")).to_have_count(3)
    page.get_by_label("How many of you?").select_option("3")
    page.get_by_label("How many of you?").focus()
    with page.expect_response(lambda answer: answer.url.endswith(f"sessions/{queue.session.pk}")):
        join(queue.session, now=clock.now())
    assert page.get_by_label("How many of you?").input_value() == "3"
    assert page.evaluate("() => document.activeElement.id") == "quantity"


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_keeps_people_out(house: House, width: int) -> None:
    """REQ UI-03: axe-core finds nothing serious while one is outside, waits, is offered a seat, sits there."""
    queue = make_queue(1)
    outside = open_page(house, queue.session, make_guest(queue.session.event), width=width)
    heading(outside, "This session is full")
    found = {"outside": serious_findings(outside)}
    page = open_page(house, queue.session, queue.entries[0].user, width=width)
    position(page, "1")
    found["waiting"] = serious_findings(page)
    free_a_seat(queue.session)
    heading(page, "A seat is yours")
    found["offered"] = serious_findings(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Accept").click()
    heading(page, "You have a seat")
    found["seated"] = serious_findings(page)
    assert {where: what for where, what in found.items() if what} == {}


def test_the_whole_story(house: House, settings: Settings) -> None:
    """Issue 3: forty wait in three tiers; two have a window; an offer comes, runs out, cascades; staff offer ten."""
    queue = make_queue(0, capacity=20)
    session = queue.session
    standard = waiting(session, 20, now=clock.now())
    premium = waiting(session, 10, priority=Priority.PREMIUM, now=clock.now())
    vips = waiting(session, 10, priority=Priority.VIP, now=clock.now())
    line = [*vips, *premium, *standard]
    settings.WAITLIST_OFFER_TTL_SECONDS = 5
    first, second = (open_page(house, session, entry.user) for entry in line[:2])
    position(first, "1")
    position(second, "2")
    free_a_seat(session)
    assert seconds_until(lambda: heading(first, "A seat is yours")) < SOON_MS / 1000
    position(second, "1")
    expect(first.get_by_text("Your last offer has expired.")).to_be_visible(timeout=SLOW_MS)
    heading(second, "A seat is yours")
    settings.WAITLIST_OFFER_TTL_SECONDS = 600
    second.get_by_role("button", name="Accept").click()
    heading(second, "You have a seat")
    # Ten seats come free while offers are paused, and staff hand them out.
    policies.pause(actor=staff_of(session), session_id=session.pk, now=clock.now())
    for _ in range(10):
        free_a_seat(session)
    third = open_page(house, session, line[2].user)
    admin = house.open(make_member("staff", organization=queue.organization), queue.page)
    expect(admin.locator("#live-status")).to_have_text("Live")
    admin.get_by_role("link", name="Offer to the next").click()
    expect(admin.get_by_label("How many")).to_have_value("10")
    admin.get_by_role("button", name="Offer to the next").click()
    expect(admin.get_by_text("10 of 10 done.")).to_be_visible()
    heading(third, "A seat is yours")
    admin.get_by_role("link", name="Back to the queue").click()
    expect(admin.locator("#showing")).to_have_text(re.compile(r"Showing 1-25 of 38"))
    third.get_by_role("button", name="Accept").click()
    heading(third, "You have a seat")
    expect(admin.locator("#showing")).to_have_text(re.compile(r"Showing 1-25 of 37"), timeout=SOON_MS)
    assert statuses(line) == ["EXPIRED", "ACCEPTED", "ACCEPTED", *["OFFERED"] * 9, *["WAITING"] * 28]
    stored, counted = books(session.pk)
    assert stored == counted
    offered = EmailMessage.objects.filter(template="waitlist_offer")
    assert (offered.count(), offered.filter(is_urgent=True).count()) == (12, 12)


def test_what_was_asked_for_is_done_after_the_sign_in(house: House) -> None:
    """REQ UI-03: who has to sign in first need not press the button again; looking again does nothing more."""
    session = make_queue(1, capacity=2).session
    anna = make_guest(session.event)
    anna.set_password("demo")
    anna.save()
    context = house.browser.new_context()
    page = context.new_page()
    page.goto(f"{house.url}{page_of(session)}")
    page.get_by_label("How many of you?").select_option("2")
    page.get_by_role("button", name="Join the waitlist").click()
    page.get_by_label("E-mail").fill(anna.email)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    heading(page, "You are in line", within=SLOW_MS)
    expect(page.get_by_text("You wait for 2 seats.")).to_be_visible()
    page.get_by_role("button", name="Leave the line").click()
    heading(page, "This session is full")
    page.reload()
    heading(page, "This session is full")
    assert [entry.status for entry in Entry.objects.filter(user=anna)] == [EntryStatus.LEFT]
    context.close()
