"""What staff do with ads in the admin. REQ AD-01, EV-04: by POST, audited, row by row."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.tests.factories import make_superuser, make_user
from accounts.tests.screens import enter
from ads.models import Ad
from ads.tests.ad_factories import make_ad
from ads.tests.staff import FORM, LIST, add_page, audited, do, page_of
from common import clock
from events.tests.factories import make_event, make_registration, make_session
from notifications.models import RealtimeEvent
from notifications.realtime import presence

pytestmark = pytest.mark.django_db


def test_acts_need_a_post_and_a_reason_and_are_in_the_history(client: Client) -> None:
    """Pause, resume, archive: asked by GET, done by POST with a reason, which the history keeps. REQ AD-01."""
    ad = make_ad()
    enter(client, ad.event.organization)
    for name, active, archived in (
        ("pause", False, False),
        ("resume", True, False),
        ("archive", False, True),
    ):
        before = audited()
        assert client.get(f"{LIST}act/{name}/", {"ids": str(ad.pk), "confirmed": "1"}).status_code == 200
        assert do(client, name, ad).status_code == 200
        assert audited() == before
        assert do(client, name, ad, reason=f"Because of {name}").headers["Location"] == page_of(ad)
        ad.refresh_from_db()
        assert (ad.is_active, ad.is_archived) == (active, archived)
    assert [reason for _, reason in audited()] == [
        f"Because of {name}" for name in ("pause", "resume", "archive")
    ]
    assert "Because of archive" in client.get(f"{LIST}{ad.pk}/history/").content.decode()


def test_several_are_paused_with_a_result_each(client: Client) -> None:
    """What is archived is refused by name, the others are paused. REQ AD-01."""
    event = make_event()
    ads = [
        make_ad(event, name="One"),
        make_ad(event, name="Two"),
        make_ad(event, name="Gone", is_archived=True),
    ]
    enter(client, event.organization)
    answer = do(client, "pause", *ads, reason="Rain")
    assert {row.subject.pk: row.is_done for row in answer.context["results"]} == {
        ads[0].pk: True, ads[1].pk: True, ads[2].pk: False,
    }  # fmt: skip
    assert list(Ad.objects.filter(is_active=False, is_archived=False).order_by("name")) == ads[:2]


def test_an_ad_is_shown_now(client: Client) -> None:
    """By POST, everywhere or in a session of those it is aimed at; what is not live is refused in words. REQ RT-02."""
    event = make_event()
    here, there = make_session(event=event, title="Here"), make_session(event=event, title="There")
    ad = make_ad(event, target_sessions=[here.pk])
    paused = make_ad(event, is_active=False)
    enter(client, event.organization)
    page = client.get(f"{LIST}act/show_now/", {"ids": str(ad.pk), "confirmed": "1"}).content.decode()
    assert "Here" in page
    assert "There" not in page
    assert 'name="reason"' not in page
    for session, status in ((there.pk, 200), ("nonsense", 200), ("", 302), (here.pk, 302)):
        assert do(client, "show_now", ad, session_id=session).status_code == status
    anna = make_registration(event=event).user
    make_registration(event=event)
    assert presence.changed("a-process", came=[anna.pk, make_user().pk], went=[], now=clock.now())
    said = client.get(do(client, "show_now", ad, session_id="").headers["Location"]).content.decode()
    assert "Announced. 1 registered person is connected just now." in said
    assert "as far as caps and budget allow" in said
    answer = do(client, "show_now", paused, session_id="")
    assert "This ad is not live: paused." in answer.content.decode()
    told = RealtimeEvent.objects.order_by("created_at", "pk").values_list(
        "stream", "event", "payload__session_id"
    )
    assert list(told) == [(f"event:{event.pk}", "AD_INJECTED", one) for one in (None, str(here.pk), None)]
    assert audited() == [("ads.inject", "")] * 3


def test_the_buttons_fit_the_status(client: Client) -> None:
    """What runs can be paused and shown now, what is paused resumed; what is archived is only read. REQ AD-01."""
    event, now = make_event(), clock.now()
    enter(client, event.organization)
    for ad, buttons in (
        (make_ad(event), {"archive", "pause", "show_now"}),
        (make_ad(event, is_active=False), {"archive", "resume"}),
        (make_ad(event, ends_at=now - timedelta(days=1), is_active=False), {"archive"}),
        (make_ad(event, is_archived=True, is_active=False), set()),
    ):
        answer = client.get(page_of(ad))
        paths = [button["path"] for button in answer.context["actions_detail"]]
        assert {path.split("/act/")[1].split("/")[0] for path in paths} == buttons
    assert client.post(page_of(ad), FORM).status_code == 403


def test_an_analyst_only_reads(client: Client) -> None:
    """Sees list, ad and history; adding, saving and acting are refused and nothing changes. REQ EV-04."""
    ad = make_ad(name="As it was", price_model="CPM", price_amount=500)
    enter(client, ad.event.organization, "analyst")
    page = client.get(page_of(ad)).content.decode()
    for words in ("As it was", "$5.00 per thousand", "Event hero", "Live"):
        assert words in page
    assert 'name="price"' not in page
    assert client.post(page_of(ad), FORM).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(add_page(ad.event), FORM).status_code == 403
    for name in ("pause", "archive", "show_now"):
        assert do(client, name, ad, reason="Mischief").status_code == 403
    assert client.post(f"{LIST}{ad.pk}/delete/", {"post": "yes"}).status_code == 403
    ad.refresh_from_db()
    assert (ad.name, ad.is_active, audited()) == ("As it was", True, [])


def test_nobody_deletes(client: Client) -> None:
    """Nobody, an operator neither, and no list action does. REQ AD-01."""
    ad = make_ad()
    client.force_login(make_superuser())
    assert client.post(f"{LIST}{ad.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(ad.pk)], "post": "yes"})
    assert Ad.objects.filter(pk=ad.pk).exists()
