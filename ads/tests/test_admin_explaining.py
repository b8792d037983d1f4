"""The staff's page that says why each ad would or would not show. REQ AD-08."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import make_member, make_user
from ads.models import Ad
from ads.tests.ad_factories import make_ad
from common import clock
from common.audit.models import AuditEntry
from events import admin_pages
from events.models import Event
from events.tests.factories import make_event, make_registration, make_session

pytestmark = pytest.mark.django_db

PAGE = "/admin/ads/ad/explain/"


def ask(client: Client, event: Event, **asked: Any) -> Any:
    """Ask for an event's ads in the hero, unless the test says where."""
    return client.get(
        PAGE, {"event": event.pk, "placement": "EVENT_HERO", "session": "", "viewer": "", **asked}
    )


def told(answer: Any) -> dict[str, tuple[bool, set[str]]]:
    """Return what the table says of each ad: would it show, and the codes against it."""
    rows = answer.context["rows"]
    return {row.told.name: (row.told.eligible, {reason.code for reason in row.told.reasons}) for row in rows}


def test_each_ad_is_explained_in_words(client: Client) -> None:
    """Who would show with what chance, who would not and for which reasons; asking changes nothing. REQ AD-08."""
    event, now = make_event(), clock.now()
    make_ad(event, name="One", weight=1)
    make_ad(event, name="Three", weight=3, price_model="CPM", price_amount=500, budget_total_amount=10_000)
    make_ad(event, name="Paused", is_active=False)
    make_ad(event, name="Later in the sidebar", starts_at=now + timedelta(days=1), placements=["SIDEBAR"])
    client.force_login(make_member("analyst", organization=event.organization))
    answer = ask(client, event)
    assert told(answer) == {
        "One": (True, set()), "Three": (True, set()), "Paused": (False, {"paused"}),
        "Later in the sidebar": (False, {"not_started", "other_placement"}),
    }  # fmt: skip
    page = answer.content.decode()
    for words in ("2 of 4 ads would show", "75.0 %", "25.0 %", "It is paused.", "$0.00 of $100.00", "cap 3"):
        assert words in page
    assert not AuditEntry.objects.exists()


def test_sessions_are_those_of_the_event(client: Client) -> None:
    """A session decides; another event's is neither offered nor taken. REQ AD-08."""
    event = make_event()
    keynote, other = make_session(event=event, title="Keynote"), make_session(title="Elsewhere")
    make_ad(event, name="Aimed", target_sessions=[keynote.pk])
    client.force_login(make_member("staff", organization=event.organization))
    assert told(ask(client, event)) == {"Aimed": (False, {"other_session"})}
    answer = ask(client, event, session=keynote.pk)
    assert told(answer) == {"Aimed": (True, set())}
    assert "Elsewhere" not in answer.content.decode()
    for wrong in ({"session": other.pk}, {"placement": "MOON"}, {"viewer": "nobody"}):
        answer = ask(client, event, **wrong)
        assert "rows" not in answer.context
        assert list(answer.context["form"].errors) == list(wrong)


def test_a_viewer_is_named_by_email_and_nobody_is_found_out(client: Client) -> None:
    """Registered people are told as such; strangers with and without an account read the same. REQ AD-08."""
    event = make_event()
    make_ad(event)
    registered, stranger = make_user(), make_user()
    make_registration(event, registered)
    client.force_login(make_member("staff", organization=event.organization))
    answer = ask(client, event, viewer=registered.email.upper())
    assert (answer.context["is_stranger"], answer.context["rows"][0].seen) == (False, "0 of 3")
    told_of = []
    for email in (stranger.email, "nobody.at.all@example.test"):
        answer = ask(client, event, viewer=email)
        told_of.append((answer.context["is_stranger"], answer.context["rows"][0].seen))
    assert told_of == [(True, "0 of 3")] * 2


def test_an_event_too_far_down_to_be_offered_is_reached(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links lead to every event of one's own; what is no event is not there. REQ AD-08."""
    monkeypatch.setattr(admin_pages, "MOST_EVENTS", 1)
    old = make_event(starts_at=clock.now() - timedelta(days=900))
    make_event(organization=old.organization)
    client.force_login(make_member("staff", organization=old.organization))
    assert ask(client, old).context["event"] == old
    assert client.get(PAGE, {"event": "nonsense"}).status_code == 404


def test_the_event_is_chosen_first_and_ends_at_the_organization(client: Client) -> None:
    """Of several events one is chosen; another organization's is not there, scanners stay out. REQ EV-04."""
    event, theirs = make_event(), make_ad(name="Theirs secret")
    make_ad(event)
    client.force_login(make_member("staff", organization=event.organization))
    assert client.get(PAGE).context["form"] is not None
    assert ask(client, theirs.event).status_code == 404
    other = make_event(organization=event.organization)
    answer = client.get(PAGE)
    assert "form" not in answer.context
    assert other.title in answer.content.decode()
    assert theirs.event.title not in answer.content.decode()
    assert "This event has no ads" in ask(client, other).content.decode()
    client.force_login(make_member("scanner", organization=event.organization))
    assert client.get(PAGE).status_code == 302
    assert Ad.objects.count() == 2
