"""The staff's screens of ads, through their pages. REQ AD-01, EV-04: scoped, audited, read row by row."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from accounts.tests.factories import make_member, make_superuser, make_user
from ads.models import Ad, AdDaily, AdPlacement, AdSpend, PriceModel
from ads.tests.ad_factories import make_ad
from common import clock
from common.audit.models import AuditEntry
from events.tests.factories import make_event, make_registration, make_session
from notifications.models import RealtimeEvent
from notifications.realtime import presence

pytestmark = pytest.mark.django_db

LIST = "/admin/ads/ad/"
FORM = {
    "name": "Espresso at booth 12", "content_type": "BANNER", "media_url": "https://media.test/espresso.png",
    "click_url": "https://shop.test/espresso", "display_duration_seconds": "15", "aspect_ratio": "16:9",
    "placements": ["EVENT_HERO", "SIDEBAR"], "weight": "2", "frequency_cap": "3", "starts_at": "", "ends_at": "",
    "price_model": "CPM", "price": "5.00", "budget_total": "100", "budget_daily": "", "pacing": "EVEN",
}  # fmt: skip


def enter(client: Client, organization: Organization, role: str = "staff") -> User:
    """Sign a new member of the organization in."""
    member = make_member(role, organization=organization)
    client.force_login(member)
    return member


def page_of(ad: Ad) -> str:
    """Return the address of an ad's page."""
    return f"{LIST}{ad.pk}/change/"


def add_page(ad_or_event: Any) -> str:
    """Return the address of the form of a new ad of an event."""
    return f"{LIST}add/?event={ad_or_event.pk}"


def do(client: Client, name: str, *ads: Ad, **data: Any) -> Any:
    """Confirm an act on ads."""
    return client.post(f"{LIST}act/{name}/", {"ids": [str(one.pk) for one in ads], "confirmed": "1", **data})


def bill(ad: Ad, micros: int) -> None:
    """Have the ad billed."""
    AdSpend.objects.filter(ad=ad).update(billed_micros=micros)


def audited() -> list[tuple[str, str]]:
    """Return what the audit has, the oldest first: action and reason."""
    return list(AuditEntry.objects.order_by("id").values_list("action", "reason"))


def test_the_list_says_price_schedule_and_spent_in_words(client: Client) -> None:
    """Placements, price, window and budget of each ad; a bar with words where there is a limit. REQ AD-05."""
    event = make_event(time_zone="Europe/Berlin")
    ad = make_ad(
        event, name="Coffee", placements=[AdPlacement.SIDEBAR, AdPlacement.EVENT_HERO], price_model=PriceModel.CPM,
        price_amount=500, budget_total_amount=10_000, starts_at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    make_ad(event, name="House ad")
    bill(ad, 12_500_000)
    enter(client, event.organization, "analyst")
    page = client.get(LIST).content.decode()
    for words in (
        "Coffee",
        "Event hero, Sidebar",
        "$5.00 per thousand",
        "$12.50 of $100.00",
        "Free",
        "Live",
        "CET",
    ):
        assert words in page
    assert page.count("<progress") == 1


def test_each_status_has_its_word_and_its_filter(client: Client) -> None:
    """Every ad is in one status only, which its row says and its filter keeps. REQ AD-01."""
    event, day, now = make_event(), timedelta(days=1), clock.now()
    enter(client, event.organization)
    made = {
        "Live": make_ad(event, ends_at=now + day),
        "Scheduled": make_ad(event, starts_at=now + day),
        "Ended": make_ad(event, is_active=False, ends_at=now - day),
        "Paused": make_ad(event, is_active=False),
        "Archived": make_ad(event, is_active=False, is_archived=True),
        "Out of budget": make_ad(event, price_model="CPM", price_amount=500, budget_total_amount=100),
    }
    bill(made["Out of budget"], 1_000_000)
    for word, ad in made.items():
        answer = client.get(LIST, {"status": word.upper().replace(" ", "_")})
        assert [row.pk for row in answer.context["cl"].result_list] == [ad.pk], word
        assert word in answer.content.decode().split('id="result_list"')[1]
    assert len(client.get(LIST).context["cl"].result_list) == 6


def test_ads_are_found_by_place_and_by_name(client: Client) -> None:
    """The filters and the search narrow the list. REQ AD-01."""
    event = make_event()
    enter(client, event.organization)
    hero = make_ad(event, name="Coffee", placements=["EVENT_HERO", "SIDEBAR"])
    feed = make_ad(event, name="Tea", placements=["IN_FEED"], content_type="VIDEO")
    for query, found in (
        ({"placement": "SIDEBAR"}, [hero]), ({"placement": "CHECKOUT"}, []), ({"q": "tea"}, [feed]),
        ({"content_type__exact": "VIDEO"}, [feed]), ({"placement": "nonsense"}, [feed, hero]),
    ):  # fmt: skip
        rows = client.get(LIST, query).context["cl"].result_list
        assert {row.pk for row in rows} == {one.pk for one in found}, query


def test_two_weeks_are_drawn_with_the_same_in_words(client: Client) -> None:
    """A line of daily impressions, whose text names each day's; nothing to draw is a dash. REQ AD-07."""
    event = make_event()
    ad = make_ad(event)
    today = clock.now().astimezone(event.zone).date()
    for days_ago, impressions in ((0, 7), (1, 1_200), (13, 3), (14, 999)):
        AdDaily.objects.create(
            ad=ad,
            day=today - timedelta(days=days_ago),
            event=event,
            impressions=impressions,
            computed_at=clock.now(),
        )
    make_ad(event)
    enter(client, event.organization)
    page = client.get(LIST).content.decode()
    words = f"1,210 impressions in 14 days: 3, {'0, ' * 11}1,200, 7"
    assert page.count("<svg viewBox") == 1
    assert f'role="img" aria-label="{words}"' in page


def test_the_list_costs_the_same_at_twenty_five_rows(client: Client) -> None:
    """A page's statements do not grow with its rows: one of them draws all lines. REQ AD-07."""
    event = make_event()
    enter(client, event.organization)
    costs = []
    for rows in (3, 22):
        for _ in range(rows):
            make_ad(event, budget_total_amount=5_000)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(LIST)
        costs.append(len(queries))
    assert len(answer.context["cl"].result_list) == 25
    assert costs == [7, 7]


def test_another_organizations_ads_are_not_there(client: Client) -> None:
    """Neither listed, nor shown, nor changed, nor acted on by a foreign id; nothing changes. REQ EV-04."""
    mine, theirs = make_ad(name="Mine"), make_ad(name="Theirs secret")
    enter(client, mine.event.organization, "owner")
    page = client.get(LIST).content.decode()
    assert "Mine" in page
    assert "Theirs secret" not in page
    assert theirs.event.title not in page
    for address in (page_of(theirs), f"{LIST}{theirs.pk}/history/"):
        answer = client.get(address)
        assert (answer.status_code, b"Theirs secret" in answer.content) == (302, False)
    assert client.post(page_of(theirs), FORM).status_code == 302
    assert client.get(add_page(theirs.event)).status_code == 404
    assert client.post(add_page(theirs.event), FORM).status_code == 404
    for name in ("pause", "resume", "archive", "show_now"):
        assert do(client, name, theirs, reason="Mischief").status_code == 404
    theirs.refresh_from_db()
    assert (theirs.name, theirs.is_active, theirs.is_archived) == ("Theirs secret", True, False)
    assert (Ad.objects.count(), audited()) == (2, [])


def test_a_new_ad_begins_with_its_event(client: Client) -> None:
    """With several events one is chosen first; with one the form is there, with its sessions alone. REQ AD-01."""
    event = make_event(time_zone="Europe/Berlin", currency="JPY")
    keynote = make_session(event=event, title="Keynote")
    enter(client, event.organization)
    page = client.get(f"{LIST}add/").content.decode()
    assert "Keynote" in page
    assert "Europe/Berlin" in page
    assert "In JPY, such as 1999" in page
    other = make_event(organization=event.organization)
    make_session(event=other, title="Elsewhere")
    page = client.get(f"{LIST}add/").content.decode()
    assert "Which event is the ad for?" in page
    assert str(other.pk) in page
    page = client.get(add_page(event)).content.decode()
    assert str(keynote.pk) in page
    assert "Elsewhere" not in page


def test_an_ad_is_made_through_the_service(client: Client) -> None:
    """Decimal prices, placements and sessions by ticking, times by the event's clocks, one audit entry. REQ AD-01."""
    event = make_event(time_zone="Europe/Berlin")
    session = make_session(event=event)
    staff = enter(client, event.organization)
    form = {**FORM, "target_sessions": [session.pk], "starts_at": "2097-01-02T10:00:30", "is_active": "on"}
    answer = client.post(add_page(event), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    ad = Ad.objects.get()
    assert (ad.event, ad.name, ad.placements, ad.target_sessions) == (
        event, "Espresso at booth 12", ["EVENT_HERO", "SIDEBAR"], [session.pk],
    )  # fmt: skip
    assert (ad.price_model, ad.price_amount, ad.currency, ad.budget_total_amount) == (
        "CPM",
        500,
        "USD",
        10_000,
    )
    assert ad.budget_daily_amount is None
    assert ad.starts_at is not None
    assert ad.starts_at.isoformat() == "2097-01-02T09:00:30+00:00"
    assert (ad.weight, ad.frequency_cap, ad.display_duration_seconds, ad.is_active) == (2, 3, 15, True)
    assert AdSpend.objects.get(ad=ad).limit_micros == 100_000_000
    assert AuditEntry.objects.get().actor_id == staff.pk


def test_an_ad_is_changed_and_what_was_not_touched_stays(client: Client) -> None:
    """Only what differs is told to the service; billed money, currency and event are not the form's. REQ AD-01."""
    event = make_event(time_zone="Europe/Berlin")
    odd = clock.now().replace(microsecond=123_456) + timedelta(days=400)
    ad = make_ad(
        event, name="Before", price_model="CPM", price_amount=500, budget_total_amount=10_000, ends_at=odd
    )
    bill(ad, 2_000_000)
    enter(client, event.organization)
    shown = client.get(page_of(ad)).context["adminform"].form
    same = {name: shown[name].value() for name in shown.fields}
    same = {name: "" if value is None else value for name, value in same.items()}
    same["ends_at"] = f"{odd.astimezone(event.zone):%Y-%m-%dT%H:%M:%S}"
    assert client.post(page_of(ad), same).status_code == 302
    assert audited() == []
    change = {**same, "name": "After", "budget_total": "50", "event": make_event().pk, "currency": "EUR",
              "billed_micros": "0"}  # fmt: skip
    assert client.post(page_of(ad), change).status_code == 302
    ad.refresh_from_db()
    assert (ad.name, ad.event, ad.currency, ad.ends_at) == ("After", event, "USD", odd)
    assert (ad.spend.billed_micros, ad.spend.limit_micros) == (2_000_000, 50_000_000)
    assert set(AuditEntry.objects.get().changes) == {"name", "budget_total_amount"}


SHAPES = {
    "name": "x" * 201, "media_url": "", "aspect_ratio": "10000:10000", "placements": ["MOON"], "weight": "",
    "frequency_cap": "often", "content_type": "SONG", "price": "", "ends_at": "soon", "target_sessions": ["nonsense"],
}  # fmt: skip
RULES = {
    "media_url": "javascript:alert(1)", "click_url": "https://user:pw@shop.test/", "aspect_ratio": "0:9",
    "weight": "0", "frequency_cap": "101", "display_duration_seconds": "0", "price": "5.005", "budget_total": "0",
    "ends_at": "2097-01-02T10:00",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [SHAPES, RULES, {"weight": "1001", "aspect_ratio": "16x9", "price": "-1", "media_url": "media.test/a.png"},
     {"budget_daily": "101"}, {"placements": []}],
    ids=["shapes", "rules", "bounds", "budgets", "places"],
)  # fmt: skip
def test_wrong_fields_say_so_and_nothing_is_saved(client: Client, wrong: dict[str, Any]) -> None:
    """Each refusal stands at its field, in words and for screen readers, on both forms. REQ AD-01."""
    ad = make_ad(name="As it was")
    make_session(event=ad.event)
    enter(client, ad.event.organization)
    for address in (page_of(ad), add_page(ad.event)):
        answer = client.post(address, {**FORM, "starts_at": "2097-01-02T10:00", **wrong})
        assert answer.status_code == 200
        assert set(answer.context["adminform"].form.errors) == set(wrong)
        page = answer.content.decode()
        for field in wrong:
            assert f'id="id_{field}_error"' in page
            assert re.search(rf'aria-describedby="[^"]*\bid_{field}_error"', page), field
            assert re.search(rf'<[^>]*name="{field}"[^>]* aria-invalid="true"', page), field
    assert (Ad.objects.get().name, audited()) == ("As it was", [])


def test_all_that_is_wrong_is_said_in_one_round(client: Client) -> None:
    """What has no shape and what the rules refuse, together; a rule that needs both of two fields waits. REQ AD-01."""
    ad = make_ad(name="As it was")
    enter(client, ad.event.organization)
    wrong = {"weight": "", "media_url": "javascript:alert(1)", "price": "5.005", "aspect_ratio": "0:9"}
    for address in (page_of(ad), add_page(ad.event)):
        answer = client.post(address, {**FORM, "starts_at": "soon", "ends_at": "2027-01-02T10:00", **wrong})
        assert set(answer.context["adminform"].form.errors) == {*wrong, "starts_at"}
    assert (Ad.objects.get().name, audited()) == ("As it was", [])


def test_choices_end_at_the_event(client: Client) -> None:
    """A session of another event, even of the same organization, is neither offered nor taken. REQ AD-01."""
    ad = make_ad()
    foreign = make_session(event=make_event(organization=ad.event.organization), title="Elsewhere")
    for person in (make_member("owner", organization=ad.event.organization), make_superuser()):
        client.force_login(person)
        assert "Elsewhere" not in client.get(page_of(ad)).content.decode()
        answer = client.post(page_of(ad), {**FORM, "target_sessions": [foreign.pk]})
        assert list(answer.context["adminform"].form.errors) == ["target_sessions"]
    assert audited() == []


def test_times_are_those_of_the_events_place(client: Client) -> None:
    """Ten o'clock in the form is ten o'clock where the event is; a time that clocks skip is refused. REQ AD-01."""
    ad = make_ad(make_event(time_zone="Europe/Berlin"))
    enter(client, ad.event.organization)
    assert client.post(page_of(ad), {**FORM, "starts_at": "2027-01-02T10:00"}).status_code == 302
    ad.refresh_from_db()
    assert ad.starts_at is not None
    assert ad.starts_at.isoformat() == "2027-01-02T09:00:00+00:00"
    shown = client.get(page_of(ad)).content.decode()
    assert 'value="2027-01-02T10:00:00"' in shown
    assert "Europe/Berlin" in shown
    answer = client.post(page_of(ad), {**FORM, "starts_at": "2027-03-28T02:30"})
    assert list(answer.context["adminform"].form.errors) == ["starts_at"]


def test_the_form_shows_the_media_and_what_was_billed(client: Client) -> None:
    """The preview knows address, kind and ratio; the money is shown and cannot be typed. REQ AD-05."""
    ad = make_ad(
        media_url='https://media.test/a"b.png'.replace('"', "%22"), aspect_ratio="4:3", price_model="CPM",
        price_amount=500, budget_total_amount=10_000,
    )  # fmt: skip
    bill(ad, 2_500_000)
    enter(client, ad.event.organization)
    page = client.get(page_of(ad)).content.decode()
    assert 'data-url="https://media.test/a%22b.png" data-kind="BANNER" data-ratio="4:3"' in page
    assert "$2.50 of $100.00" in page
    assert 'name="billed' not in page


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
