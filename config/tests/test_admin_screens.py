"""Every screen of the admin, by each kind of member: it opens or is refused, and leaks nothing."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from ads.tests.ad_factories import make_ad
from common.audit.models import AuditEntry
from config.local_stack.environment import ROOT
from config.navigation import GROUPS, PAGES
from config.tests.admin_acts import ELSEWHERE, acts_of_queues, all_acts, make_what_acts_need
from config.tests.admin_doors import (
    ITS_OWN,
    acts_on,
    add_what_the_demo_lacks,
    addresses,
    is_standard,
    pages,
    rows_of,
)
from config.tests.digests import digests
from events.models import Event
from offers.models import Offer

pytestmark = pytest.mark.django_db

# Operators' tables of libraries: superusers alone.
OPERATORS_APPS = {"django_celery_beat"}
# Nothing is on them in the demo; of operators alone.
WITHOUT_ROWS = {"django_celery_beat.ClockedSchedule", "django_celery_beat.SolarSchedule", "common.InboxEvent"}
# What the demo has nothing for: no run of a report failed, no webhook is kept, nothing leads to the site.
NOT_THERE = {"common_inboxevent_replay", "view_on_site", "analytics_scheduledreport_retry"}


def signed_in(login: str) -> Client:
    """Return a browser in which that person of the demo is signed in."""
    client = Client()
    client.force_login(User.objects.get(email=f"{login}@demo.test"))
    return client


def screens() -> list[type[Model]]:
    """Return the models that have a screen."""
    return list(admin.site._registry)


def address(model: type[Model], page: str, *args: object) -> str:
    """Return the address of a model's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_list_and_page_opens_for_an_operator(demo: None) -> None:
    """No screen fails, with rows and their pages. REQ EV-04."""
    client = signed_in("admin")
    for model in screens():
        listing = client.get(address(model, "changelist"))
        assert listing.status_code == 200, model
        for row in listing.context["cl"].result_list[:1]:
            assert client.get(address(model, "change", row.pk)).status_code == 200, model


def test_every_screen_that_is_ours_is_in_the_sidebar() -> None:
    """What can be done is found. REQ EV-04."""
    listed = {(app, name) for entries in GROUPS.values() for _, _, app, name in entries}
    ours = {
        (model._meta.app_label, model._meta.model_name)
        for model in screens()
        if model._meta.app_label not in OPERATORS_APPS and model.__module__.split(".")[0] != "django"
    }
    assert ours <= listed
    assert {one for one in listed if one[0] not in OPERATORS_APPS} <= ours


def rivals_rows() -> list[Model]:
    """Return what belongs to the other organization, of every kind that it has."""
    rival = Organization.objects.get(slug="rival")
    event = rival.events.get()
    offer = Offer.objects.get(event=event)
    ad = make_ad(event, name="Rival ad")
    return [rival, rival.memberships.get(), event, event.ticket_tiers.get(), offer, ad]


@pytest.mark.parametrize("login", ["staff", "analyst"])
def test_members_see_nothing_of_the_rival_on_any_screen(demo: None, login: str) -> None:
    """Lists name no row of another organization, and its pages are not there. REQ EV-04, EV-03."""
    client = signed_in(login)
    rows = rivals_rows()
    for model in screens():
        listing = client.get(address(model, "changelist"))
        assert listing.status_code in {200, 403}, model
        assert b"Rival" not in listing.content, model
    for name in PAGES.values():
        page = client.get(reverse(f"admin:{name}"))
        # What is written to people is not the analysts' affair.
        may = login != "analyst" or not name.startswith("notifications_")
        assert (page.status_code, b"Rival" in page.content) == (200 if may else 403, False), name
    for row in rows:
        for view in ("change", "history"):
            answer = client.get(address(type(row), view, row.pk))
            assert answer.status_code in {302, 403, 404}, (row, view)
            assert b"Rival" not in answer.content


def test_analysts_see_nobody_who_bought_or_came(demo: None) -> None:
    """No list, page or history names an attendee; who they are is for who may see orders. REQ EV-03, EV-04."""
    client = signed_in("analyst")
    people = User.objects.filter(memberships=None, is_superuser=False)
    words = [person.email.encode() for person in people]
    assert b"vip@demo.test" in words
    refused = set()
    pages = ["/admin/", *(reverse(f"admin:{name}") for name in PAGES.values())]
    pages += [reverse("admin:analytics_event_dashboard", args=[event.pk]) for event in demo_events()]
    for model in screens():
        listing = client.get(address(model, "changelist"))
        if listing.status_code != 200:
            refused.add(model._meta.model_name)
            row = model._default_manager.first()
            pages += [address(model, page, row.pk) for page in ("change", "history") if row is not None]
            continue
        assert [word for word in words if word in listing.content] == [], model
        found = listing.context["cl"].result_list[:1]
        pages += [address(model, page, row.pk) for row in found for page in ("change", "history")]
    for page in pages:
        answer = client.get(page)
        assert [word for word in words if word in answer.content] == [], page
    assert {
        "attendance", "registration", "ticket", "ticketscan", "order", "purchase", "lead", "user",
    } <= refused  # fmt: skip


def demo_events() -> list[Event]:
    """Return the demo organization's events."""
    return list(Event.objects.filter(organization__slug="demo"))


def test_staff_see_who_comes(demo: None) -> None:
    """The same lists name people to those who look after them. REQ EV-04."""
    client = signed_in("staff")
    for name in ("events_registration", "events_attendance", "tickets_ticket"):
        found = client.get(reverse(f"admin:{name}_changelist"), {"q": "@demo.test"})
        assert b"Attendee " in found.content or b"@demo.test" in found.content, name
        assert len(found.context["cl"].result_list) > 0


@pytest.mark.parametrize("login", ["scanner", "vip", "noticket"])
def test_whoever_has_no_role_does_not_get_in(demo: None, login: str) -> None:
    """Scanners and attendees are sent to the sign-in page by every screen. REQ EV-04."""
    client = signed_in(login)
    for model in screens():
        answer = client.get(address(model, "changelist"))
        assert (answer.status_code, answer.headers.get("Location", "")[:13]) == (302, "/admin/login/"), model


@pytest.mark.parametrize("login", ["owner", "analyst", "admin", "rival"])
def test_the_first_screen_costs_a_fixed_number_of_queries(demo: None, login: str) -> None:
    """The dashboard opens for every role, within its budget, and names no other organization's figures. REQ EV-04."""
    client = signed_in(login)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/admin/")
    assert answer.status_code == 200
    assert len(queries) <= 14
    if login == "rival":
        assert b"Backstage video" not in answer.content


def test_what_the_first_screen_says_of_money_adds_up(demo: None) -> None:
    """Charged, less what went back by each way, is the net figure, and all of it is said. REQ EV-04, PA-12."""

    def cents(words: str) -> int:
        return int(re.sub(r"[^0-9]", "", words.split()[0]))

    money = signed_in("owner").get("/admin/").context["dashboard"]["revenue"]
    assert money
    for one in money:
        assert cents(one["gross"]) - sum(map(cents, one["less"])) == cents(one["net"])
    # The demo has one of each.
    assert [words.split(" ", 1)[1] for words in money[0]["less"]] == ["refunded", "disputed", "Stripe's fees"]


def test_every_page_sends_strangers_to_the_sign_in(demo: None) -> None:
    """Each address, read and posted to: nobody and an attendee are led to the sign-in page, before it is looked at
    what is meant. REQ EV-04.
    """
    nobody, attendee, before = Client(), signed_in("noticket"), digests()
    for name, address_ in addresses().items():
        if name not in {"login", "logout", "jsi18n"}:
            for ask in (nobody.get, nobody.post, attendee.get, attendee.post):
                answer = ask(address_)
                assert answer.status_code == 302, (name, answer.status_code)
                assert answer.headers["Location"].startswith("/admin/login/"), name
    assert digests() == before


def test_each_act_that_is_carried_out_leaves_its_entry(demo: None) -> None:
    """Of every screen every act, once, by its page: one entry says who did what to which row, and why. REQ EV-04."""
    add_what_the_demo_lacks()
    operator, client = User.objects.get(email="admin@demo.test"), signed_in("admin")
    make_what_acts_need(operator)
    for one in all_acts():
        if str(one) in ELSEWHERE:
            continue
        point, last = transaction.savepoint(), AuditEntry.objects.order_by("id").last()
        row = one.ready_row(operator)
        assert row is not None, f"{one}: say in admin_acts in which state a row takes it, or who proves it"
        assert one.confirm(client, row).status_code == 302, one
        new = AuditEntry.objects.filter(id__gt=last.pk if last else 0, subject_id=str(row.pk))
        assert [(entry.actor_id, entry.reason) for entry in new] == [(operator.pk, one.reason())], one
        transaction.savepoint_rollback(point)


def test_what_is_not_walked_is_proved_by_name() -> None:
    """Acts that need more than a row, and buttons of pages: the named test is there and looks at entries. REQ EV-04."""
    assert set(acts_of_queues()) <= set(ELSEWHERE)
    for act, where in ELSEWHERE.items():
        file, _, name = where.partition("::")
        body = (ROOT / file).read_text().partition(f"def {name}(")[2].partition("\ndef ")[0]
        assert "audited()" in body or "AuditEntry" in body, act


def words_of_the_demo() -> list[bytes]:
    """Return the names of what the rival has no part in."""
    rival = Organization.objects.get(slug="rival")
    people = User.objects.exclude(memberships__organization=rival).values_list("email", flat=True)
    events = Event.objects.exclude(organization=rival)
    titles = [*events.values_list("title", flat=True)]
    titles += Offer.objects.filter(event__in=events).values_list("title", flat=True)
    return [word.encode() for word in (*people, *titles)]


def told(answer: Any, words: list[bytes]) -> list[bytes]:
    """Return those words that an answer has in it."""
    body = b"".join(answer) if answer.streaming else answer.content
    return [word for word in words if word in body]


def test_the_rival_reaches_no_row_of_others(demo: None) -> None:
    """Of every screen a row that is not theirs: no page of it is there, no act is done, no list or form names it.
    REQ EV-03, EV-04.
    """
    add_what_the_demo_lacks()
    rival, words = User.objects.get(email="rival@demo.test"), words_of_the_demo()
    operator, client = User.objects.get(email="admin@demo.test"), signed_in("rival")
    before, hidden = digests(), set()
    for model in screens():
        for page in ("changelist", "add"):
            answer = client.get(address(model, page))
            assert answer.status_code in {200, 403}, (model, page)
            assert told(answer, words) == [], (model, page)
        row = rows_of(model, operator).exclude(pk__in=rows_of(model, rival).values("pk")).first()
        if row is None:
            continue
        hidden.add(model._meta.label)
        answers = [client.get(address(model, page, row.pk)) for page in ("change", "history", "delete")]
        answers += [
            client.post(address(model, page, row.pk), {"post": "yes"}) for page in ("change", "delete")
        ]
        done = {"ids": [str(row.pk)], "confirmed": "1", "reason": "asked for"}
        answers += [client.post(address(model, "act", name), done) for name in acts_on(model)]
        for answer in answers:
            where = (model, answer.request["PATH_INFO"], answer.status_code)
            assert answer.status_code in {302, 403, 404, 405}, where
            assert told(answer, words) == [], where
    assert [table for table, digest in digests().items() if before[table] != digest] == []
    assert {model._meta.label for model in screens()} - hidden == WITHOUT_ROWS


def test_the_rival_reads_no_other_page_of_others(demo: None) -> None:
    """Dashboards, files, tools: each is in the table of pages, and there is nothing for the rival at it, while an
    operator gets it. REQ EV-03, EV-04.
    """
    known, there = pages(), addresses()
    assert {name for name in there if not is_standard(name)} == set(known) | ITS_OWN
    words, rival, operator, before = words_of_the_demo(), signed_in("rival"), signed_in("admin"), digests()
    answers = {name: page.ask(rival, name) for name, page in known.items()}
    assert {name: one.status_code for name, one in answers.items()} == {
        name: page.rival for name, page in known.items()
    }
    assert {name for name, one in answers.items() if told(one, words)} == set()
    assert [table for table, digest in digests().items() if before[table] != digest] == []
    got = {name: page.ask(operator, name).status_code for name, page in known.items()}
    assert {name for name, status in got.items() if status not in {200, 302}} == NOT_THERE, got
