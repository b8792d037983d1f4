"""The staff's waitlist screen, through its pages: who gets in, what it says, what looking costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import tokens
from accounts.tests.factories import make_member, make_superuser, make_user
from common import clock
from common.audit.models import AuditEntry
from events.tests.factories import make_registration
from tickets.models import Priority
from waitlist.admin.acts import ACTS
from waitlist.models import WaitlistPolicy
from waitlist.services import staff
from waitlist.tests.factories import books, join, make_guest, pause, staff_of, statuses
from waitlist.tests.screen import LIST, TOKEN, Queue, enter, make_queue

pytestmark = pytest.mark.django_db

FORM = {
    "count": "1", "position": "1", "maximum_capacity": "9", "group_rule": "skip", "reason": "Because",
}  # fmt: skip


def addresses(queue: Queue) -> list[str]:
    """Return every page of the screen."""
    entry = queue.entries[0].pk
    return [
        LIST, queue.page, f"{queue.page}?part=queue", TOKEN,
        *(f"{queue.act(name)}?entry={entry}" for name in ACTS),
    ]  # fmt: skip


def everything(queue: Queue) -> tuple[Any, ...]:
    """Return all that an act could change."""
    queue.session.refresh_from_db()
    return (
        books(queue.session.pk),
        statuses(queue.entries),
        queue.session.maximum_capacity,
        queue.session.queue_version,
        list(WaitlistPolicy.objects.values()),
        AuditEntry.objects.count(),
    )


def rival(queue: Queue) -> User:
    """Return the owner of another organization."""
    return make_member("owner")


def member(role: str) -> Callable[[Queue], User]:
    """Return who makes a member with the role in the queue's organization."""
    return lambda queue: make_member(role, organization=queue.organization)


@pytest.mark.parametrize("role", ["staff", "admin", "owner", "superuser"])
def test_who_runs_the_queue_opens_every_page(client: Client, role: str) -> None:
    """REQ UI-01: the list, the queue, its live part, the socket's token and each act's page, for who may."""
    queue = make_queue()
    if role == "superuser":
        client.force_login(make_superuser())
    else:
        enter(client, queue, role)
    assert {address: client.get(address).status_code for address in addresses(queue)} == dict.fromkeys(
        addresses(queue), 200
    )


@pytest.mark.parametrize(
    ("person", "answers"),
    [
        (member("analyst"), {403, 404}),
        (rival, {404}),
        (member("scanner"), {302}),
        (lambda queue: queue.entries[0].user, {302}),
        (lambda queue: make_user(), {302}),
        (None, {302}),
    ],
    ids=["analyst", "rival", "scanner", "in the queue", "anybody", "nobody"],
)
def test_nobody_else_gets_in(
    client: Client, person: Callable[[Queue], User] | None, answers: set[int]
) -> None:
    """REQ EV-03, EV-04: each page and each act is refused, tells nothing, and changes nothing."""
    queue = make_queue(free=1)
    if person is not None:
        client.force_login(person(queue))
    before = everything(queue)
    of_queue = [address for address in addresses(queue) if address not in {LIST, TOKEN}]
    for address in of_queue:
        for answer in (client.get(address), client.post(address, {"entry": queue.entries[0].pk, **FORM})):
            assert answer.status_code in answers, address
            assert queue.entries[0].user.email.encode() not in answer.content
            assert answer.status_code != 302 or answer["Location"].startswith("/admin/login/")
    assert everything(queue) == before


def test_the_list_and_the_token_of_those_who_run_nothing_here(client: Client) -> None:
    """REQ EV-04: an analyst sees neither; another organization's owner sees an empty list."""
    queue = make_queue(title="Secret session")
    enter(client, queue, "analyst")
    assert [client.get(address).status_code for address in (LIST, TOKEN)] == [403, 403]
    client.force_login(make_member("owner"))
    listing = client.get(f"{LIST}?queue=all")
    assert (listing.status_code, list(listing.context["cl"].result_list)) == (200, [])
    assert b"Secret session" not in listing.content


def test_looking_changes_nothing(client: Client) -> None:
    """REQ UI-01: no page changes anything by being opened, whatever stands in its address."""
    queue = make_queue(free=1)
    enter(client, queue, "owner")
    before = everything(queue)
    for address in (queue.page, f"{queue.page}?part=queue", TOKEN):
        assert client.get(address).status_code == 200
    filled = {"entry": queue.entries[0].pk, **FORM}
    for name in ACTS:
        assert client.get(queue.act(name), filled).status_code in {200, 302}, name
    # Of the list these are filters, and none that it has.
    assert client.get(LIST, FORM).status_code == 400
    assert everything(queue) == before


def test_the_token_is_the_readers_own_and_not_kept(client: Client) -> None:
    """REQ RT-01: an access token of who is signed in, never cached; not by POST."""
    queue = make_queue(waiting=0)
    person = make_member("staff", organization=queue.organization)
    client.force_login(person)
    answer = client.get(TOKEN)
    assert tokens.authenticate(answer.json()["token"], now=clock.now()).pk == person.pk
    assert "no-store" in answer["Cache-Control"]
    assert client.post(TOKEN).status_code == 405


def test_the_list_shows_where_people_wait(client: Client) -> None:
    """REQ UI-01: sessions with people waiting first; all ahead, and all, when asked; found by name."""
    queue = make_queue(2, title="Full talk")
    event = queue.session.event
    quiet = make_queue(0, title="Quiet talk")
    quiet.session.event = event
    quiet.session.save(update_fields=["event"])
    past = make_queue(0, title="Past talk").session
    past.event, past.starts_at = event, clock.now() - timedelta(hours=1)
    past.save(update_fields=["event", "starts_at"])
    enter(client, queue)

    def titles(query: str) -> list[str]:
        return sorted(one.title for one in client.get(f"{LIST}{query}").context["cl"].result_list)

    assert titles("") == ["Full talk"]
    assert titles("?queue=ahead") == ["Full talk", "Quiet talk"]
    assert titles("?queue=all") == ["Full talk", "Past talk", "Quiet talk"]
    assert titles("?queue=all&q=quiet") == ["Quiet talk"]
    page = client.get(LIST).content.decode()
    assert "1 attending, 0 held, 0 free of 1" in page
    assert queue.page in page


def test_an_empty_list_says_what_comes_here(client: Client) -> None:
    """REQ UI-01: nobody waits anywhere, and the list says so."""
    enter(client, make_queue(0))
    page = client.get(LIST).content.decode()
    assert ("Nobody waits" in page, "When a session is full" in page) == (True, True)


def test_the_page_counts_and_names(client: Client) -> None:
    """REQ UI-01: the meter in words, each person's place, tier, seats, waiting time, and the end of an offer."""
    queue = make_queue(2, capacity=2, free=1)
    first, second = queue.entries
    offered = staff.offer(
        actor=staff_of(queue.session), session_id=queue.session.pk, user_id=second.user_id, now=clock.now()
    )
    enter(client, queue)
    answer = client.get(queue.page)
    page = answer.content.decode()
    assert 'aria-label="1 attending, 1 held, 0 free of 2"' in page
    rows = answer.context["rows"]
    assert [(row.entry.pk, row.place) for row in rows] == [(offered.pk, None), (first.pk, 1)]
    assert rows[1].waited == "30\xa0minutes"
    assert offered.offer_expires_at is not None
    assert (f"{offered.offer_expires_at:%H:%M}" in rows[0].ends, ":" in rows[1].ends) == (True, False)
    for words in ("Offered", "Waiting", "Standard", first.user.email, "Showing 1-2 of 2"):
        assert words in page


def test_twenty_five_a_page(client: Client) -> None:
    """REQ UI-01: "Showing 1-25 of 60"; positions go on; a page past the end is the last; nothing may break it."""
    queue = make_queue(60)
    enter(client, queue)
    first = client.get(queue.page)
    assert "Showing 1-25 of 60" in first.content.decode()
    assert [row.place for row in first.context["rows"]] == list(range(1, 26))
    for page in ("3", "99"):
        last = client.get(f"{queue.page}?page={page}")
        assert "Showing 51-60 of 60" in last.content.decode()
        assert [row.place for row in last.context["rows"]] == list(range(51, 61))
    assert "Showing 1-25 of 60" in client.get(f"{queue.page}?page=x").content.decode()
    assert "q=person&amp;page=2" in client.get(f"{queue.page}?q=person").content.decode()


def test_search_and_filters(client: Client) -> None:
    """REQ UI-01, WL-07: by e-mail or name, by tier, by status; positions stay those of the whole queue."""
    queue = make_queue(2)
    named = make_user("zoe@example.test", name="Zoë Q. Nyman")
    vip = join(queue.session, make_guest(queue.session.event, Priority.VIP), now=clock.now())
    make_registration(queue.session.event, named)
    join(queue.session, named, now=clock.now())
    enter(client, queue)

    def people(query: str) -> list[tuple[str, int | None]]:
        rows = client.get(f"{queue.page}?{query}").context["rows"]
        return [(row.entry.user.email, row.place) for row in rows]

    assert people("q=zo%C3%AB") == people("q=ZOE%40example") == [("zoe@example.test", 4)]
    assert people("tier=VIP") == [(vip.user.email, 1)]
    assert len(people("status=WAITING")) == len(people("tier=none&status=none")) == 4
    assert people("status=OFFERED") == []
    page = client.get(f"{queue.page}?q=nobody-of-this-name").content.decode()
    assert "Nobody fits what you look for." in page
    assert "Nobody found" in page


def test_names_are_text_and_never_markup(client: Client) -> None:
    """REQ UI-01: what people call themselves is shown as they wrote it."""
    queue = make_queue(0)
    person = make_user(name="<script>alert(1)</script>")
    make_registration(queue.session.event, person)
    join(queue.session, person, now=clock.now())
    enter(client, queue)
    page = client.get(queue.page).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_the_part_is_the_queue_alone(client: Client) -> None:
    """REQ UI-01: a refresh brings the same rows without the page around them, with links that keep the page."""
    queue = make_queue(30)
    enter(client, queue)
    part = client.get(f"{queue.page}?part=queue&page=2").content.decode()
    assert "<html" not in part
    assert "Showing 26-30 of 30" in part
    assert "part=queue" not in part


def test_the_page_costs_the_same_for_five_and_for_sixty(client: Client) -> None:
    """REQ UI-01: the number of statements does not grow with the queue; a refresh costs fewer."""

    def cost(queue: Queue, query: str = "") -> int:
        enter(client, queue)
        client.get(queue.page + query)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(queue.page + query).status_code == 200
        return len(queries)

    small, large = make_queue(5), make_queue(60)
    assert cost(small) == cost(large)
    assert cost(large, "?part=queue") <= cost(large) <= 16


def test_why_nothing_is_offered_is_said(client: Client) -> None:
    """REQ WL-11: full, paused with its reason, nobody there, begun: each in a sentence."""
    queue = make_queue(2, capacity=4)
    enter(client, queue)

    def said() -> str:
        return client.get(queue.page).content.decode()

    assert "No seat is free." in said()
    pause(queue.session)
    WaitlistPolicy.objects.update(pause_reason="The room moves")
    assert "Offers are paused: The room moves" in said()
    empty = make_queue(0)
    enter(client, empty)
    page = client.get(empty.page).content.decode()
    assert "Nobody waits." in page
    assert "Nobody waits for this session." in page
    queue.session.starts_at = clock.now() - timedelta(minutes=1)
    queue.session.save(update_fields=["starts_at"])
    enter(client, queue)
    assert "The session has begun." in said()


def test_an_unlimited_session_has_no_meter(client: Client) -> None:
    """REQ WL-12: nothing to measure against; the words say so."""
    queue = make_queue(0)
    queue.session.maximum_capacity = None
    queue.session.save(update_fields=["maximum_capacity"])
    enter(client, queue)
    page = client.get(queue.page).content.decode()
    assert "Unlimited" in page
    assert "mq-meter" not in page
