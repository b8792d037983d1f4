"""The acts of the staff's waitlist screen: each by POST through a service, refused at its field, audited."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from common.audit.models import AuditEntry
from tickets.models import Priority
from tickets.tests.factories import make_tier
from waitlist.errors import NotWaiting
from waitlist.models import GroupRule, TierPriority, WaitlistPolicy
from waitlist.tests.factories import books, statuses
from waitlist.tests.screen import Queue, enter, make_queue

pytestmark = pytest.mark.django_db


def do(client: Client, queue: Queue, name: str, *numbers: int, **data: Any) -> Any:
    """Confirm an act, on the entries with these numbers."""
    body = {"entry": [str(queue.entries[number].pk) for number in numbers], "reason": "", **data}
    return client.post(queue.act(name), body)


def said(answer: Any) -> list[str]:
    """Return the messages that the next page shows."""
    return [str(one) for one in get_messages(answer.wsgi_request)]


def audited() -> list[tuple[str, str]]:
    """Return what the audit has of this room: action and reason."""
    kept = AuditEntry.objects.filter(action__startswith="waitlist.").order_by("id")
    return list(kept.values_list("action", "reason"))


def test_offer_a_seat(client: Client) -> None:
    """REQ WL-07: one who waits gets the offer past the queue; the page goes back with a sentence."""
    queue = make_queue(3, free=1)
    enter(client, queue)
    shown = client.get(f"{queue.act('offer')}?entry={queue.entries[1].pk}").content.decode()
    assert f"{queue.entries[1].user.email}: number 2, Standard, 1 seat, waiting" in shown
    assert "1 seat is free." in shown
    answer = do(client, queue, "offer", 1, reason="Speaker")
    assert (answer.status_code, answer["Location"]) == (302, queue.page)
    assert said(answer) == [f"Offer a seat: Offered to {queue.entries[1].user.email}."]
    assert statuses(queue.entries) == ["WAITING", "OFFERED", "WAITING"]
    assert audited() == [("waitlist.offer", "Speaker")]


def test_bulk_offer_names_each_and_stops_at_the_free_seats(client: Client) -> None:
    """REQ WL-07, UI-01: ten asked, two free: the form proposes two, two are offered, a row for each."""
    queue = make_queue(4, capacity=3, free=2)
    enter(client, queue)
    form = client.get(queue.act("bulk-offer"))
    assert form.context["form"]["count"].value() == 2
    answer = do(client, queue, "bulk-offer", count="10")
    page = answer.content.decode()
    assert [(row.is_done, row.subject) for row in answer.context["results"]] == [
        (True, entry.user.email) for entry in queue.entries[:2]
    ]
    assert "2 of 2 done." in page
    assert f"Offered to {queue.entries[0].user.email}." in page
    assert statuses(queue.entries) == ["OFFERED", "OFFERED", "WAITING", "WAITING"]
    assert audited() == [("waitlist.offer", "")] * 2


@pytest.mark.parametrize("count", ["0", "51", "", "x", "-1"])
def test_a_bulk_offer_is_of_one_to_fifty(client: Client, count: str) -> None:
    """REQ WL-07: any other count is refused at its field, and nobody is offered anything."""
    queue = make_queue(2, free=1)
    enter(client, queue)
    refused_at(do(client, queue, "bulk-offer", count=count), "count")
    assert statuses(queue.entries) == ["WAITING", "WAITING"]


def refused_at(answer: Any, field: str) -> None:
    """Check that the form came back with the refusal at its field, in words and for screen readers."""
    assert answer.status_code == 200
    form = answer.context["form"]
    assert list(form.errors) == [field]
    page = answer.content.decode()
    tag = (
        page.split(f'id="id_{field}"')[0].rsplit("<", 1)[1] + page.split(f'id="id_{field}"')[1].split(">")[0]
    )
    assert 'aria-invalid="true"' in tag
    described = tag.split('aria-describedby="')[1].split('"')[0].split()
    assert f"id_{field}_error" in described
    assert all(f'id="{one}"' in page for one in described)


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("remove", {"reason": ""}, "reason"),
        ("remove", {"reason": "x" * 201}, "reason"),
        ("move", {"position": "1", "reason": " "}, "reason"),
        ("move", {"position": "0", "reason": "x"}, "position"),
        ("move", {"position": "", "reason": "x"}, "position"),
        ("capacity", {"maximum_capacity": "0"}, "maximum_capacity"),
        ("capacity", {"maximum_capacity": "many"}, "maximum_capacity"),
        ("terms", {"group_rule": "none"}, "group_rule"),
        ("terms", {"group_rule": "wait", "offer_minutes": "0"}, "offer_minutes"),
        ("terms", {"group_rule": "wait", "closes_at": "soon"}, "closes_at"),
        ("pause", {"reason": "x" * 201}, "reason"),
        ("offer", {"reason": "x" * 201}, "reason"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: Client, name: str, data: dict[str, str], field: str
) -> None:
    """REQ UI-01: aria-invalid and aria-describedby at the field; nothing changed, nothing audited."""
    queue = make_queue(2, free=1)
    enter(client, queue)
    before = books(queue.session.pk)
    refused_at(do(client, queue, name, 1, **data), field)
    assert (books(queue.session.pk), statuses(queue.entries)) == (before, ["WAITING", "WAITING"])
    assert audited() == []


@pytest.mark.parametrize(("name", "data"), [("offer", {}), ("bulk-offer", {"count": "1"})])
def test_what_the_service_refuses_is_said_above_the_form(
    client: Client, name: str, data: dict[str, str]
) -> None:
    """REQ WL-07, WL-11: without a free seat nothing is offered, and the page says why."""
    queue = make_queue(2)
    enter(client, queue)
    answer = do(client, queue, name, 0, **data)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "No seat is free." in page.split('role="alert"')[1]
    assert statuses(queue.entries) == ["WAITING", "WAITING"]


def test_remove_one(client: Client) -> None:
    """REQ WL-07: with a reason, one is taken off, and the page goes back."""
    queue = make_queue(2)
    enter(client, queue)
    answer = do(client, queue, "remove", 0, reason="Asked for it")
    assert said(answer) == [f"Remove: {queue.entries[0].user.email} was removed."]
    assert statuses(queue.entries) == ["REMOVED", "WAITING"]
    assert audited() == [("waitlist.remove", "Asked for it")]


def test_remove_several_with_a_result_each(client: Client) -> None:
    """REQ WL-07: those who are gone already are named, the rest go."""
    queue = make_queue(3)
    enter(client, queue)
    do(client, queue, "remove", 0, reason="First")
    answer = do(client, queue, "remove", 0, 1, 2, reason="All")
    told = {row.subject: row for row in answer.context["results"]}
    assert [told[entry.user.email].is_done for entry in queue.entries] == [False, True, True]
    assert told[queue.entries[0].user.email].message == f"{NotWaiting.title}."
    page = answer.content.decode()
    assert "2 of 3 done." in page
    assert "<strong>Refused</strong>" in page
    assert statuses(queue.entries) == ["REMOVED"] * 3


def test_removing_an_offer_cascades(client: Client) -> None:
    """REQ WL-07: the seat that was on offer goes to the next."""
    queue = make_queue(2, free=1)
    enter(client, queue)
    do(client, queue, "offer", 0)
    do(client, queue, "resume")
    do(client, queue, "remove", 0, reason="Mistake")
    assert statuses(queue.entries) == ["REMOVED", "OFFERED"]


def test_move(client: Client) -> None:
    """REQ WL-11: the last one becomes first, with the reason in the audit."""
    queue = make_queue(3)
    enter(client, queue)
    answer = do(client, queue, "move", 2, position="1", reason="Wheelchair")
    assert said(answer) == [f"Move: {queue.entries[2].user.email} is number 1 now."]
    rows = client.get(queue.page).context["rows"]
    assert [row.entry.pk for row in rows] == [queue.entries[number].pk for number in (2, 0, 1)]
    assert audited() == [("waitlist.move", "Wheelchair")]


def test_more_seats_are_offered_at_once(client: Client) -> None:
    """REQ WL-12: capacity from one to three: two offers; empty: unlimited, offers to all."""
    queue = make_queue(4)
    enter(client, queue)
    assert client.get(queue.act("capacity")).context["form"]["maximum_capacity"].value() == 1
    answer = do(client, queue, "capacity", maximum_capacity="3")
    assert said(answer) == ["Change capacity: 3 seats; 2 open offers, 2 waiting."]
    assert statuses(queue.entries) == ["OFFERED", "OFFERED", "WAITING", "WAITING"]
    answer = do(client, queue, "capacity", maximum_capacity="")
    assert said(answer)[-1] == "Change capacity: Unlimited seats; 4 open offers, 0 waiting."
    assert AuditEntry.objects.filter(action="events.change_capacity").count() == 2


def test_pause_and_resume(client: Client) -> None:
    """REQ WL-07, WL-11: the button fits the state; a pause keeps its reason; resuming offers what is free."""
    queue = make_queue(2, free=1)
    enter(client, queue)
    names = [act.name for act in client.get(queue.page).context["acts"]]
    assert "resume" in names
    answer = do(client, queue, "resume")
    assert said(answer) == ["Resume offers: Offers go out again; 1 open offer, 1 waiting."]
    do(client, queue, "pause", reason="The room moves")
    page = client.get(queue.page)
    assert "resume" in [act.name for act in page.context["acts"]]
    assert "Offers are paused: The room moves" in page.content.decode()
    assert audited()[-2:] == [("waitlist.resume", ""), ("waitlist.pause", "The room moves")]


def test_terms(client: Client) -> None:
    """REQ WL-10, WL-02: the rule for groups, the closing time at the event, the minutes, what a tier counts for."""
    queue = make_queue(1)
    event = queue.session.event
    event.time_zone = "America/New_York"
    event.save(update_fields=["time_zone"])
    tier = make_tier(event=event, name="Press", priority=Priority.STANDARD)
    enter(client, queue)
    answer = do(
        client, queue, "terms", group_rule="skip", closes_at="2026-12-01T10:00", offer_minutes="7",
        **{f"tier_{tier.pk.hex}": "VIP"},
    )  # fmt: skip
    assert said(answer) == ["Change terms: The terms were changed."]
    policy = WaitlistPolicy.objects.get()
    assert (policy.group_rule, policy.offer_seconds) == (GroupRule.SKIP, 420)
    assert policy.closes_at is not None
    assert policy.closes_at.isoformat() == "2026-12-01T15:00:00+00:00"
    assert TierPriority.objects.get().priority == "VIP"
    assert audited() == [("waitlist.change_policy", "")]
    form = client.get(queue.act("terms")).content.decode()
    assert 'value="2026-12-01T10:00:00"' in form
    assert "In this queue, Press counts as" in form


@pytest.mark.parametrize("name", ["offer", "move", "remove"])
def test_entries_of_another_queue_are_not_there(client: Client, name: str) -> None:
    """REQ EV-04: ids of another organization, ids that are none, and no ids at all: nothing happens to anybody."""
    mine, theirs = make_queue(1, free=1), make_queue(1, free=1)
    enter(client, mine, "owner")
    for ids in ([str(theirs.entries[0].pk)], ["nonsense"], []):
        body = {"entry": ids, "reason": "Mischief", "position": "1"}
        for call in (client.get, client.post):
            answer = call(mine.act(name), body)
            assert (answer.status_code, answer["Location"]) == (302, mine.page)
        assert client.post(theirs.act(name), body).status_code == 404
    assert statuses([*mine.entries, *theirs.entries]) == ["WAITING", "WAITING"]
    assert audited() == []


def test_foreign_rows_among_ones_own_are_left_alone(client: Client) -> None:
    """REQ EV-04: a bulk act takes those of its session and no other."""
    mine, theirs = make_queue(1), make_queue(1)
    enter(client, mine)
    ids = [str(mine.entries[0].pk), str(theirs.entries[0].pk)]
    client.post(mine.act("remove"), {"entry": ids, "reason": "x"})
    assert statuses([*mine.entries, *theirs.entries]) == ["REMOVED", "WAITING"]


def test_an_act_that_does_not_exist(client: Client) -> None:
    """REQ EV-04: neither by GET nor by POST."""
    queue = make_queue(1)
    enter(client, queue, "owner")
    call: Callable[..., Any]
    for call in (client.get, client.post):
        assert call(queue.act("explode")).status_code == 404


def test_seats_that_are_kept_after_lowering_are_explained(client: Client) -> None:
    """REQ WL-12: capacity below attendance keeps the seats, and the page says how many."""
    queue = make_queue(1, capacity=3)
    enter(client, queue)
    client.post(queue.act("capacity"), {"maximum_capacity": "1", "reason": ""})
    queue.session.refresh_from_db()
    page = client.get(queue.page).content.decode()
    assert queue.session.seats_kept == 3
    assert (
        "Capacity was lowered: 3 seats are kept, and nothing is offered until fewer than 1 are taken." in page
    )


def test_terms_that_a_colleague_changed_are_not_put_back(client: Client) -> None:
    """REQ UI-01, EV-04: an old page is refused at what stands otherwise by now; the page that says so decides."""
    queue = make_queue(0)
    vips = make_tier(event=queue.session.event, name="Backstage")
    enter(client, queue)
    opened = client.get(queue.act("terms")).context["form"]
    old = {field.html_name: field.value() or "" for field in opened}
    tier = f"tier_{vips.pk.hex}"
    do(client, queue, "terms", group_rule="skip", offer_minutes="7", **{tier: "PREMIUM"})
    refused = do(client, queue, "terms", **{**old, "offer_minutes": "9"})
    told = {name: " ".join(words) for name, words in refused.context["form"].errors.items()}
    assert set(told) == {"group_rule", "offer_minutes", tier}
    assert "it is “7” now" in told["offer_minutes"]
    assert "it is “Premium” now" in told[tier]
    policy = WaitlistPolicy.objects.get()
    assert (policy.group_rule, policy.offer_seconds) == (GroupRule.SKIP, 420)
    shown = refused.context["form"]["shown"].value()
    again = do(client, queue, "terms", **{**old, "offer_minutes": "9", "shown": shown})
    assert said(again) == ["Change terms: The terms were changed."]
    policy.refresh_from_db()
    assert (policy.group_rule, policy.offer_seconds) == (GroupRule.WAIT, 540)
