"""Every write of REST with a body that has not its shape: refused by the names of what is wrong, and nothing changes.

The OpenAPI file is walked, so that a new write is asked too.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import time_machine
from django.db import transaction

from accounts.tests.factories import NOW
from analytics.tests.experiments import make_experiment
from common.errors import outermost
from config.tests.digests import digests
from config.tests.graphql_world import make_world
from config.tests.rest_doors import routes
from config.tests.rest_file import Body, bodies, body_called
from config.tests.rest_walk import Walk

pytestmark = pytest.mark.django_db

# Beacons of pages that go away: nobody reads a refusal and nothing is sent again, so that a page which tells more than
# we know loses nothing by it. What is wrong in an item is answered by its place; a clock that cannot be read corrects
# nothing. Each other write refuses names that it does not know.
LENIENT: Final = {"post ab-tests-track", "post analytics-track", "post ad-impressions", "post ad-click"}
# OpenAPI 3.0 knows no body of DELETE; this one says why.
NOT_IN_THE_FILE: Final = {"delete waitlist-entry": "ReasonRequest"}
STRANGE: Final = "not_a_field"


@pytest.fixture
def walk() -> Iterator[Walk]:
    """Give a world with one of everything; its experiment has not begun, so that it may be changed."""
    with time_machine.travel(NOW, tick=False):
        world = make_world()
        world.experiment = make_experiment(world.event)
        yield Walk(world)


@pytest.fixture
def writes(walk: Walk) -> dict[str, Body]:
    """Give each write with what the file says of its body."""
    names = {route.path: name for name, route in routes().items()}
    found = {f"{method} {names[path]}": body for method, path, body in bodies()}
    return found | {name: body_called(shape) for name, shape in NOT_IN_THE_FILE.items()}


def refused(answer: Any) -> list[tuple[str, str]] | None:
    """Return the fields that an answer names with their codes; None where it is not our one shape of an error."""
    if (answer.status_code, answer.headers.get("Content-Type")) != (400, "application/problem+json"):
        return None
    told = answer.json()
    is_ours = (
        set(told) == {"type", "title", "status", "code", "detail", "errors", "request_id"}
        and (told["status"], told["code"], told["request_id"]) == (400, "invalid", answer["X-Request-ID"])
        and all(set(one) == {"field", "code", "message"} for one in told["errors"])
    )
    return [(one["field"], one["code"]) for one in told["errors"]] if is_ours else None


def test_a_name_that_is_not_known_is_refused_by_every_write(walk: Walk, writes: dict[str, Body]) -> None:
    """Beside all that those whose it is are granted it for: 400, that field is named alone, and no row of any table is
    another. REQ OF-02, UI-01.
    """
    assert {name for name, body in writes.items() if not body.is_strict} == LENIENT
    before, wrong = digests(), []
    for name in sorted(set(writes) - LENIENT):
        door = walk.doors[name]
        answer = walk.ask(walk.rightful(door), name, {**door.body, STRANGE: 1})
        if refused(answer) != [(STRANGE, "unknown_field")]:
            wrong.append(f"{name}: {answer.status_code} {answer.content!r}")
    assert wrong == [], "\n".join(wrong)
    assert [table for table, digest in digests().items() if before[table] != digest] == []


def test_what_pages_tell_as_they_go_away_is_not_lost_for_a_name(walk: Walk) -> None:
    """Those four answer as without it. REQ AN-01, AD-04."""
    for name in sorted(LENIENT):
        door, said = walk.doors[name], []
        for body in (door.body, {**door.body, STRANGE: 1}):
            with transaction.atomic():
                answer = walk.ask(walk.rightful(door), name, body)
                transaction.set_rollback(True)
            said.append((answer.status_code, answer.content))
        assert said[0] == said[1], name
        assert said[0][0] == 202, name


def test_a_value_of_another_type_is_refused_by_every_write(walk: Walk, writes: dict[str, Body]) -> None:
    """Every field at once, as those whose it is: 400, each of them is named, and no row of any table is another.
    REQ OF-02, UI-01.
    """
    before, wrong = digests(), []
    for name, body in sorted(writes.items()):
        answer = walk.ask(walk.rightful(walk.doors[name]), name, body.of_other_types())
        named = {outermost(field) for field, _ in refused(answer) or ()}
        if named != (body.required if name in LENIENT else set(body.fields)):
            wrong.append(f"{name}: {answer.status_code} {answer.content!r}")
    assert wrong == [], "\n".join(wrong)
    assert [table for table, digest in digests().items() if before[table] != digest] == []
