"""Every door of REST with another organization's ids: nothing is told, and nothing changes.

The addresses are walked, so that a new one fails here until `rest_doors` says whose it is.
"""

from collections.abc import Iterator
from typing import Final

import pytest
import time_machine

from accounts.tests.factories import NOW, make_user
from config.tests.digests import digests
from config.tests.graphql_world import SECRET
from config.tests.rest_doors import Whose, routes
from config.tests.rest_walk import Walk
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

# Of the organizer's doors, those that a role below the owner's opens, as CONTRACT.md's table has it.
OF_SCANNERS: Final = {"post checkin-scan", "get event-checkin"}
OF_ANALYSTS: Final = {
    "get explain-ads", "get ad", "get event-ads", "get ad-performance", "get monetization", "get analytics-export",
    "post analytics-refresh", "get ab-tests", "get ab-test", "get ab-test-results", "get waitlist-analytics",
}  # fmt: skip
# And what staff may not do.
OF_ADMINS: Final = {"post order-refunds", "post start-ab-test", "post stop-ab-test"}


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


@pytest.mark.parametrize("role", ["scanner", "analyst", "staff"])
def test_a_role_of_ones_own_organization_is_missed_in_the_open(walk: Walk, role: str) -> None:
    """Members see that the organizer's doors are there; those that their role is not for refuse them, 403, and no row
    of any table is another. Those that it is for answer as they answer the owner. REQ EV-03.
    """
    member, wrong = make_user(), []
    walk.world.owner.memberships.get().organization.memberships.create(user=member, role=role)
    before = digests()
    theirs = {name for name, door in walk.doors.items() if door.whose is Whose.OWNER}
    allowed = {"scanner": OF_SCANNERS, "analyst": OF_ANALYSTS, "staff": theirs - OF_ADMINS}[role]
    assert allowed < theirs
    for name in sorted(theirs - allowed):
        status, said = walk.knock(member, name)
        if status != 403 or '"code": "forbidden"' not in said or SECRET in said:
            wrong.append(f"{name}: {status} {said}")
    after = digests()
    assert wrong == [], "\n".join(wrong)
    assert [table for table in before if before[table] != after[table]] == []
    for name in sorted(allowed):
        status, said = walk.knock_and_undo(member, name)
        assert status == walk.doors[name].answer, (name, status, said)


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
