"""Every door of REST with another organization's ids: nothing is told, and nothing changes.

The addresses are walked, so that a new one fails here until `rest_doors` says whose it is.
"""

import json
from collections.abc import Iterator

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import NOW, bearer, make_user
from config.tests.digests import digests
from config.tests.graphql_world import SECRET, make_world
from config.tests.rest_doors import Door, Whose, doors, places, routes
from notifications.tests.devices import make_device
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

# Who comes is answered, about themselves or about what is public.
_OPEN = {Whose.ONESELF, Whose.ANYBODY}


class _Walk:
    """A world, its doors, and how to knock at them."""

    def __init__(self) -> None:
        """Build what GraphQL's walk sees, and a device of the guest's."""
        self.world = make_world()
        self.doors = doors(self.world)
        self.strangers = self.world.strangers()
        self._places = places(self.world) | {"device_id": make_device(self.world.guest).pk}
        self._routes = routes()
        self._client = Client()

    def those(self, *, open_to_all: bool) -> dict[str, Door]:
        """Return the doors that answer whoever comes, or the others."""
        return {name: door for name, door in self.doors.items() if (door.whose in _OPEN) == open_to_all}

    def rightful(self, door: Door) -> User | None:
        """Return who gets something at a door."""
        people = {Whose.OWNER: self.world.owner, Whose.WAITER: self.world.waiter, Whose.ANYBODY: None}
        return people.get(door.whose, self.world.guest)

    def knock(self, user: User | None, name: str) -> tuple[int, str]:
        """Ask as somebody; return the status, and all that was said."""
        door, (method, _, route) = self.doors[name], name.partition(" ")
        answer = self._client.generic(
            method.upper(),
            reverse(route, kwargs={key: self._places[key] for key in self._routes[route].ids}),
            "" if method == "get" else json.dumps(door.body),
            content_type="application/json",
            query_params=door.query,
            headers=bearer(user) if user else {},
        )
        body: bytes = b"".join(answer) if answer.streaming else answer.content
        return answer.status_code, f"{answer.headers} {body.decode(errors='replace')}"

    def knock_and_undo(self, user: User | None, name: str) -> tuple[int, str]:
        """Ask as somebody, and take back what it did."""
        with transaction.atomic():
            said = self.knock(user, name)
            transaction.set_rollback(True)
        return said


@pytest.fixture
def walk() -> Iterator[_Walk]:
    """Give a world with one of everything, at the time that it is made for."""
    with time_machine.travel(NOW, tick=False):
        yield _Walk()


def test_every_door_is_known(walk: _Walk) -> None:
    """Whoever adds an address or a method says whose it is. REQ EV-03."""
    there = {f"{method} {name}" for name, route in routes().items() for method in route.methods}
    assert there == set(walk.doors)


def test_no_door_tells_or_gives_strangers_anything(walk: _Walk, stripe_sandbox: SandboxProcess) -> None:
    """Another organization's owner, an attendee without a ticket and nobody are answered as if nothing were there
    (401 where a sign-in is needed), and no row of any table is another; those whose it is get it. REQ EV-03.
    """
    before, wrong = digests(), []
    for name, door in walk.those(open_to_all=False).items():
        for who, user in walk.strangers.items():
            status, said = walk.knock(user, name)
            if status != (door.stranger if user else door.nobody) or SECRET in said:
                wrong.append(f"{name} for {who}: {status} {said}")
    after = digests()
    assert wrong == [], "\n".join(wrong)
    assert [table for table in before if before[table] != after[table]] == []
    for name, door in walk.those(open_to_all=False).items():
        status, said = walk.knock_and_undo(walk.rightful(door), name)
        if status != door.answer:
            wrong.append(f"{name} for whose it is: {status} {said}")
    assert wrong == [], "\n".join(wrong)


def test_a_role_of_ones_own_organization_is_missed_in_the_open(walk: _Walk) -> None:
    """A scanner sees that the organizer's doors are there, and is refused: 403, but for those of the door; what is
    everybody's is everybody's. REQ EV-03.
    """
    scanner, before = make_user(), digests()
    walk.world.owner.memberships.get().organization.memberships.create(user=scanner, role="scanner")
    before, allowed = digests(), set()
    for name, door in walk.those(open_to_all=False).items():
        if door.whose is Whose.OWNER:
            status, said = walk.knock_and_undo(scanner, name)
            assert status in {door.answer, 403}, (name, status, said)
            allowed |= {name} if status == door.answer else set()
    assert allowed == {"post checkin-scan", "get event-checkin"}
    assert digests() == before


def test_what_is_everybodys_tells_nothing_of_others(walk: _Walk) -> None:
    """One's own things, public things and what a token proves: answered, and without a word of what is private.
    REQ EV-03.
    """
    wrong = []
    for name, door in walk.those(open_to_all=True).items():
        for who, user in walk.strangers.items():
            status, said = walk.knock_and_undo(user, name)
            expected = door.nobody if user is None and door.whose is Whose.ONESELF else door.answer
            if status != expected or SECRET in said:
                wrong.append(f"{name} for {who}: {status} {said}")
    assert wrong == [], "\n".join(wrong)
    assert SECRET in walk.knock(walk.world.guest, "get my-tickets")[1]
