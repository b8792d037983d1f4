"""A group that waits and is larger than its session, whose capacity was lowered: what staff and others see of it."""

import pytest
from django.test import Client

from accounts.services.access import actor_of
from accounts.tests.factories import bearer
from common import clock
from events.models import Session
from events.services import sessions
from waitlist.services import staff
from waitlist.tests.factories import books, free_up, join, make_guest, pause, staff_of, statuses
from waitlist.tests.screen import Queue, enter, make_queue

pytestmark = pytest.mark.django_db


def _queue_behind_a_group(*, others: int) -> Queue:
    """Have a group of four wait, then so many others, in a session that went from four seats to three, all free."""
    queue = make_queue(0, capacity=4)
    queue.entries.append(join(queue.session, quantity=4, now=clock.now()))
    queue.entries.extend(join(queue.session, now=clock.now()) for _ in range(others))
    organizer = staff_of(queue.session)
    sessions.change_capacity(
        actor=organizer, session_id=queue.session.pk, maximum_capacity=3, now=clock.now()
    )
    queue.session.refresh_from_db()
    free_up(queue.session, 4)
    return queue


def test_who_is_next_is_who_will_be_offered(client: Client) -> None:
    """REQ WL-07, WL-10: the page of a bulk offer leaves out the group that it passes over, until there is room."""
    queue = _queue_behind_a_group(others=2)
    pause(queue.session)
    enter(client, queue)

    def previewed() -> list[tuple[object, int | None]]:
        return [(entry.pk, place) for entry, place in client.get(queue.act("bulk-offer")).context["about"]]

    group, first, second = queue.entries
    assert previewed() == [(first.pk, 2), (second.pk, 3)]
    assert client.post(queue.act("bulk-offer"), {"count": "1", "reason": ""}).status_code == 200
    assert statuses(queue.entries) == ["WAITING", "OFFERED", "WAITING"]
    Session.objects.filter(pk=queue.session.pk).update(maximum_capacity=4)
    assert previewed() == [(group.pk, 1), (second.pk, 2)]


def test_it_keeps_the_door_shut_and_the_queue_open(client: Client) -> None:
    """REQ EV-05, WL-10: nobody walks in past it; who joins is offered a seat at once. Removed, the door is open."""
    queue = _queue_behind_a_group(others=0)
    guest, other = make_guest(queue.session.event), make_guest(queue.session.event)
    door = f"/api/v1/sessions/{queue.session.pk}"

    refused = client.post(f"{door}/attendance", headers=bearer(guest))
    assert (refused.status_code, refused.json()["code"]) == (409, "session_full")
    joined = client.post(f"{door}/waitlist", {}, content_type="application/json", headers=bearer(guest))
    assert (joined.status_code, joined.json()["status"]) == (201, "OFFERED")

    staff.remove(
        actor=staff_of(queue.session),
        session_id=queue.session.pk,
        entry_id=queue.entries[0].pk,
        reason="The room is smaller now",
        now=clock.now(),
    )
    sessions.attend(actor=actor_of(other), session_id=queue.session.pk, now=clock.now())
    stored, counted = books(queue.session.pk)
    assert stored == counted
    assert (stored.attendance, stored.held, stored.waiting) == (1, 1, 0)
