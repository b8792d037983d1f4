"""Every door of REST with another organization's ids: nothing is told, and nothing changes.

The addresses are walked, so that a new one fails here until `rest_doors` says whose it is.
"""

from collections.abc import Iterator

import pytest
import time_machine

from accounts.tests.factories import NOW, make_user
from config.tests.digests import digests
from config.tests.graphql_world import SECRET
from config.tests.rest_doors import Whose, routes
from config.tests.rest_walk import Walk
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def walk() -> Iterator[Walk]:
    """Give a world with one of everything, at the time that it is made for."""
    with time_machine.travel(NOW, tick=False):
        yield Walk()


def test_every_door_is_known(walk: Walk) -> None:
    """Whoever adds an address or a method says whose it is. REQ EV-03."""
    there = {f"{method} {name}" for name, route in routes().items() for method in route.methods}
    assert there == set(walk.doors)


def test_no_door_tells_or_gives_strangers_anything(walk: Walk, stripe_sandbox: SandboxProcess) -> None:
    """Another organization's owner, an attendee without a ticket and nobody are answered as if nothing were there
    (401 where a sign-in is needed), and no row of any table is another; those whose it is get it. REQ EV-03. No browser
    and no proxy keeps what any of them was answered. REQ OP-05.
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
    assert walk.left_behind == []


def test_a_role_of_ones_own_organization_is_missed_in_the_open(walk: Walk) -> None:
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


def test_what_is_everybodys_tells_nothing_of_others(walk: Walk) -> None:
    """One's own things, public things and what a token proves: answered, and without a word of what is private.
    REQ EV-03. No browser and no proxy keeps it, but for what is public and was asked without a sign-in. REQ OP-05.
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
    assert walk.left_behind == []
