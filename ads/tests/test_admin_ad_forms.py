"""The form of an ad in the admin. REQ AD-01: by the service, all that is wrong at its field."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import make_member, make_superuser
from accounts.tests.screens import enter
from ads.models import Ad, AdSpend
from ads.tests.ad_factories import make_ad
from ads.tests.staff import FORM, LIST, add_page, audited, bill, page_of
from common import clock
from common.audit.models import AuditEntry
from events.tests.factories import make_event, make_session

pytestmark = pytest.mark.django_db


SHAPES = {
    "name": "x" * 201, "media_url": "", "aspect_ratio": "10000:10000", "placements": ["MOON"], "weight": "",
    "frequency_cap": "often", "content_type": "SONG", "price": "", "ends_at": "soon", "target_sessions": ["nonsense"],
}  # fmt: skip


RULES = {
    "media_url": "javascript:alert(1)", "click_url": "https://user:pw@shop.test/", "aspect_ratio": "0:9",
    "weight": "0", "frequency_cap": "101", "display_duration_seconds": "0", "price": "5.005", "budget_total": "0",
    "ends_at": "2097-01-02T10:00",
}  # fmt: skip


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
