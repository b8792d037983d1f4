"""REQ NO-05: one's preferences are one document, checked by field, and written whole."""

from copy import deepcopy
from datetime import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_member, make_superuser, make_user
from common.audit import history_of
from common.errors import Forbidden, NotFound
from config.local_stack.testing.race import Race
from notifications.kinds import Channel
from notifications.models import MutedBy, MutedKind, NotificationPreferences
from notifications.services.choices import (
    Hours,
    NewPreferences,
    preferences_of,
    reset_preferences,
    update_preferences,
)
from notifications.tests.preferences import mute, muted_of, quiet_at_night

pytestmark = pytest.mark.django_db

URL = "/api/v1/me/notification-preferences"
WISH: dict[str, Any] = {
    "preferences": {"reports": {"email": False}, "announcements": {"push": True}},
    "quiet_hours": {"starts_at": "22:00", "ends_at": "07:30"},
    "time_zone": "Europe/Berlin",
}


def put(client: Client, user: User, body: Any) -> Any:
    return client.put(URL, body, content_type="application/json", headers=bearer(user))


def test_at_first_everything_comes(client: Client) -> None:
    """REQ NO-05: the document names each kind in words, with its channels; asking writes nothing."""
    user = make_user()
    document = client.get(URL, headers=bearer(user)).json()
    assert document["preferences"] == {
        "announcements": {"push": True},
        "device_tests": {"push": True},
        "purchases": {"email": True},
        "waitlist": {"email": True, "push": True},
        "reports": {"email": True},
    }
    assert (document["quiet_hours"], document["time_zone"]) == (None, "UTC")
    assert {
        "kind": "purchases",
        "title": "Purchases and tickets",
        "description": "Receipts, tickets and codes, deliveries, appointments and refunds.",
        "is_transactional": True,
        "channels": ["email"],
    } in document["kinds"]
    assert not NotificationPreferences.objects.exists()
    assert client.get(URL).status_code == 401
    assert client.put(URL, WISH, content_type="application/json").status_code == 401


def test_what_was_chosen_is_read_again(client: Client) -> None:
    """REQ NO-05: PUT answers the document as GET does; it may be sent back with what cannot be switched off."""
    user, other = make_user(), make_user()
    answer = put(client, user, WISH)
    assert answer.status_code == 200
    document = client.get(URL, headers=bearer(user)).json()
    assert answer.json() == document
    assert document["preferences"]["reports"] == {"email": False}
    assert (document["quiet_hours"], document["time_zone"]) == (WISH["quiet_hours"], "Europe/Berlin")
    again = {name: value for name, value in document.items() if name != "kinds"}
    assert put(client, user, again).json() == document
    assert put(client, user, {**WISH, "quiet_hours": None}).json()["quiet_hours"] is None
    assert preferences_of(other).quiet_hours is None


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the wish without one of its parts."""
    changed = deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


def with_switch(kind: str, channels: Any) -> dict[str, Any]:
    return {**WISH, "preferences": {**WISH["preferences"], kind: channels}}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"preferences": "required", "quiet_hours": "required", "time_zone": "required"}),
        (without(WISH, "preferences", "reports"), {"preferences.reports.email": "required"}),
        (with_switch("gossip", {"email": True}), {"preferences.gossip": "unknown_field"}),
        (with_switch("reports", {"email": True, "pigeon": True}), {"preferences.reports.pigeon": "unknown_field"}),
        (with_switch("reports", {"email": "yes"}), {"preferences.reports.email": "wrong_type"}),
        (with_switch("reports", {"email": 1}), {"preferences.reports.email": "wrong_type"}),
        (with_switch("reports", True), {"preferences.reports": "not_a_dict"}),
        (with_switch("purchases", {"email": False}), {"preferences.purchases.email": "transactional"}),
        (with_switch("waitlist", {"email": True, "push": False}), {"preferences.waitlist.push": "transactional"}),
        ({**WISH, "time_zone": "Mars/Olympus"}, {"time_zone": "unknown"}),
        ({**WISH, "time_zone": "Factory"}, {"time_zone": "unknown"}),
        ({**WISH, "time_zone": "../etc/passwd"}, {"time_zone": "unknown"}),
        ({**WISH, "quiet_hours": {"starts_at": "22:00"}}, {"quiet_hours.ends_at": "required"}),
        ({**WISH, "quiet_hours": {"starts_at": "25:00", "ends_at": "07:00"}}, {"quiet_hours.starts_at": "invalid"}),
        ({**WISH, "quiet_hours": {"starts_at": "22:00", "ends_at": 7}}, {"quiet_hours.ends_at": "invalid"}),
        ({**WISH, "quiet_hours": {"starts_at": "22:00", "ends_at": "22:00"}}, {"quiet_hours.ends_at": "same_as_start"}),
        ({**WISH, "kinds": []}, {"kinds": "unknown_field"}),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named_and_nothing_changes(
    client: Client, body: dict[str, Any], fields: dict[str, str]
) -> None:
    """REQ NO-05: what is transactional says so; a refused document leaves the former one."""
    user = make_user()
    mute(user, "announcements", Channel.PUSH)
    quiet_at_night(user)
    before = preferences_of(user)
    answer = put(client, user, body)
    assert answer.status_code == 400
    assert {one["field"]: one["code"] for one in answer.json()["errors"]} == fields
    assert preferences_of(user) == before


def test_how_something_was_switched_off_stays_known() -> None:
    """REQ NO-05: who unsubscribed by a link and then saves the page did it by the link; on again it is forgotten."""
    user = make_user()
    mute(user, "reports", Channel.EMAIL, by=MutedBy.UNSUBSCRIBE)
    off = {"reports": {"email": False}, "announcements": {"push": False}}
    update_preferences(user, NewPreferences(off, None, "UTC"), now=NOW)
    ways = dict(MutedKind.objects.values_list("kind", "muted_by"))
    assert ways == {"reports": MutedBy.UNSUBSCRIBE, "announcements": MutedBy.SETTINGS}
    on = {"reports": {"email": True}, "announcements": {"push": False}}
    update_preferences(user, NewPreferences(on, None, "UTC"), now=NOW)
    assert muted_of(user) == {("announcements", "push")}


def test_reading_costs_two_statements(client: Client) -> None:
    """REQ NO-05: one for the row, one for what is off."""
    user = make_user()
    mute(user, "reports", Channel.EMAIL)
    with CaptureQueriesContext(connection) as queries:
        preferences_of(user)
    assert len(queries) == 2


def test_operators_alone_take_choices_back() -> None:
    """REQ NO-05: they are a person's towards all organizations: no organization's owner may; audited with what was."""
    user = make_user()
    mute(user, "reports", Channel.EMAIL)
    quiet_at_night(user)
    owner, operator = actor_of(make_member("owner")), actor_of(make_superuser())
    with pytest.raises(Forbidden):
        reset_preferences(user.pk, actor=owner, reason="x", now=NOW)
    assert muted_of(user) == {("reports", "email")}
    reset_preferences(user.pk, actor=operator, reason="They asked by phone", now=NOW)
    assert (muted_of(user), preferences_of(user).quiet_hours) == (set(), None)
    (entry,) = history_of(NotificationPreferences.objects.get())
    assert (entry.action, entry.reason) == ("notifications.reset_preferences", "They asked by phone")
    assert entry.changes["switched_off"] == [["reports by email"], []]
    with pytest.raises(NotFound):
        reset_preferences(make_user().pk, actor=operator, reason="x", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_documents_at_once_are_not_mixed(race: Race) -> None:
    """REQ NO-05: whichever comes later counts whole: its switches with its hours."""
    user = make_user()
    everything = {"reports": {"email": True}, "announcements": {"push": True}}
    nothing = {"reports": {"email": False}, "announcements": {"push": False}}
    loud = NewPreferences(everything, Hours(time(1), time(2)), "UTC")
    quiet = NewPreferences(nothing, Hours(time(3), time(4)), "Europe/Berlin")
    update_preferences(user, loud, now=NOW)
    rows = NotificationPreferences.objects.filter(pk=user.pk)
    acts = [lambda one=one: update_preferences(user, one, now=NOW) for one in (loud, quiet) * 3]
    outcomes = race.behind(rows, acts)
    assert not any(isinstance(one, BaseException) for one in outcomes)
    left = preferences_of(user)
    if left.time_zone == "UTC":
        assert (left.quiet_hours, muted_of(user)) == (loud.quiet_hours, set())
    else:
        both = {("reports", "email"), ("announcements", "push")}
        assert (left.quiet_hours, muted_of(user)) == (quiet.quiet_hours, both)
