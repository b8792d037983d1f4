"""The rooms of sockets, over the whole house: asking for many at once answers as asking for one does."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_member, make_superuser, make_user
from ads.tests.factories import make_sponsor
from common import clock
from common.errors import Failure
from events.tests.factories import make_event, make_registration, make_session
from notifications.realtime.rooms import rooms

pytestmark = pytest.mark.django_db

ROLES = ("owner", "admin", "staff", "analyst", "scanner")


def test_asking_for_many_at_once_answers_as_asking_for_one() -> None:
    """Each kind of person in each kind of room; one statement for a kind of room. REQ RT-01."""
    public, private = make_event(), make_event(private=True)
    private.organization = public.organization
    private.save()
    ada = make_user()
    people = [
        ada,
        make_user(),
        make_superuser(),
        make_member("owner"),
        make_registration(public).user,
        make_registration(private).user,
        *(make_member(role, organization=public.organization) for role in ROLES),
    ]
    names = ["event:{}", "session:{}:waitlist", "dashboard:{}", "sponsor:{}", "user:{}"]
    asked: dict[str, list[UUID]] = {name: [] for name in names}
    for event in (public, private):
        asked["event:{}"].append(event.pk)
        asked["dashboard:{}"].append(event.pk)
        asked["session:{}:waitlist"].append(make_session(event=event).pk)
        asked["sponsor:{}"].append(make_sponsor(event=event, people=[ada]).pk)
    asked["user:{}"].append(ada.pk)
    assert {name.format("{id}") for name in names} == set(rooms.patterns)
    pairs = [(one, name.format(id_)) for one in people for name in names for id_ in (*asked[name], uuid4())]
    refused = set()
    for user, room in pairs:
        try:
            rooms.authorise(room, user, now=clock.now())
        except Failure:
            refused.add((user.pk, room))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = rooms.refused([(user.pk, room) for user, room in pairs])
    assert found == refused
    assert 0 < len(refused) < len(pairs)
    assert len(queries) == len(names) - 1
