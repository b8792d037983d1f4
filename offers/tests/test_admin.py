"""The staff's screens of offers, through their pages. REQ EV-04: scoped, audited, read row by row."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import make_member, make_superuser, make_user
from accounts.tests.screens import assert_hidden, enter
from common import clock
from common.audit.models import AuditEntry
from events.models import Event
from events.tests.factories import make_event, make_session
from offers.admin.offers import state_of
from offers.models import Offer
from offers.tests.factories import give, make_offer, make_upgrade
from offers.tests.owed import owe
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db

LIST = "/admin/offers/offer/"
FORM = {
    "title": "Signed poster", "description": "", "offer_type": "MERCHANDISE", "placement": "IN_EVENT",
    "image_url": "", "content_url": "", "price": "19.99", "original_price": "", "inventory_total": "5",
    "per_user_limit": "", "starts_at_0": "", "starts_at_1": "", "expires_at_0": "", "expires_at_1": "",
    "is_active": "on",
}  # fmt: skip


def page_of(offer: Offer) -> str:
    """Return the address of an offer's page."""
    return reverse("admin:offers_offer_change", args=[offer.pk])


def do(client: Client, name: str, *offers: Offer, **data: Any) -> Any:
    """Confirm an act on offers."""
    body = {"ids": [str(one.pk) for one in offers], "confirmed": "1", **data}
    return client.post(f"{LIST}act/{name}/", body)


def test_the_list_says_the_stock_in_words(client: Client) -> None:
    """A bar with words for limited stock, words alone without a limit; price, window and state. REQ OF-03."""
    event = make_event()
    poster = make_offer(units=5, event=event, title="Poster")
    make_offer(event=event, title="Stream", price=0)
    give(poster, make_user(), quantity=3)
    give(poster, make_user(), quantity=1, held=True)
    enter(client, event.organization)
    page = client.get(LIST).content.decode()
    for words in ("3 sold, 1 reserved, 1 left of 5", "unlimited", "$19.99", "Free", "On sale", event.title):
        assert words in page
    assert "<progress" in page or 'role="progressbar"' in page


def test_each_state_has_its_word_and_its_filter(client: Client) -> None:
    """Every offer is in one state only, which its row says and its filter keeps. REQ OF-03."""
    event, day, now = make_event(), timedelta(days=1), clock.now()
    enter(client, event.organization)
    made = {
        "on_sale": make_offer(event=event, expires_at=now + day),
        "scheduled": make_offer(event=event, starts_at=now + day),
        "ended": make_offer(event=event, is_active=False, expires_at=now - day),
        "paused": make_offer(event=event, is_active=False),
        "archived": make_offer(event=event, is_active=False, is_archived=True),
        "sold_out": make_offer(units=1, event=event),
    }
    give(made["sold_out"], make_user())
    for state, offer in made.items():
        answer = client.get(LIST, {"state": state})
        assert [row.pk for row in answer.context["cl"].result_list] == [offer.pk], state
        assert state.replace("_", " ").capitalize() in answer.content.decode()


def test_an_upgrade_that_cannot_be_bought_says_why(client: Client) -> None:
    """Its tier is full, or its event is over: its row's word and its filter agree with the doors. REQ OF-03."""
    full, _ = make_upgrade(places=1)
    make_ticket(tier=full.upgrade_to_tier)
    organization = full.event.organization
    late, _ = make_upgrade(event=make_event(organization=organization))
    enter(client, organization)
    Event.objects.filter(pk=late.event_id).update(
        starts_at=clock.now() - timedelta(days=1), ends_at=clock.now() - timedelta(seconds=1)
    )
    for state, offers in {"sold_out": [full], "ended": [late], "on_sale": []}.items():
        answer = client.get(LIST, {"state": state})
        found = answer.context["cl"].result_list
        assert [row.pk for row in found] == [one.pk for one in offers], state
        assert all(state_of(row) == state for row in found)


def test_another_organizations_offers_are_not_there(client: Client) -> None:
    """Neither listed, nor shown, nor acted on by a foreign id; nothing changes. REQ EV-04."""
    mine, theirs = make_offer(title="Mine"), make_offer(title="Theirs secret")
    enter(client, mine.event.organization, "owner")
    hidden = ("Theirs secret", theirs.event.title)
    assert_hidden(client, LIST, theirs, form=FORM, shown="Mine", hidden=hidden)
    assert do(client, "archive", theirs, reason="Mischief").status_code == 404
    theirs.refresh_from_db()
    assert (theirs.title, theirs.is_archived, AuditEntry.objects.count()) == ("Theirs secret", False, 0)


def test_a_new_offer_begins_with_its_event(client: Client) -> None:
    """With several events one is chosen first; the form has its sessions and tiers, zone and currency. REQ OF-01."""
    event = make_event(time_zone="Europe/Berlin", currency="JPY")
    keynote, gold = make_session(event=event, title="Keynote"), make_tier(event=event, name="Gold")
    enter(client, event.organization)
    page = client.get(f"{LIST}add/").content.decode()
    for words in (
        "Keynote", "Gold", "In JPY, such as 1999; 0 is free.", "Only for a ticket upgrade",
        "Only for exclusive content", "Merchandise and services need nothing here",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("As clocks at the event say: Europe/Berlin.") == 2
    other = make_event(organization=event.organization)
    make_session(event=other, title="Elsewhere")
    make_tier(event=other, name="Silver")
    make_offer(event=other, title="Another poster")
    page = client.get(f"{LIST}add/").content.decode()
    assert "Which event is the offer for?" in page
    assert str(other.pk) in page
    page = client.get(f"{LIST}add/", {"event": event.pk}).content.decode()
    assert [str(one.pk) in page for one in (keynote, gold)] == [True, True]
    assert [word for word in ("Elsewhere", "Silver", "Another poster") if word in page] == []
    for wrong in (str(make_event().pk), "x"):
        assert client.get(f"{LIST}add/", {"event": wrong}).status_code == 404


def test_an_offer_is_made_and_changed_through_the_catalog(client: Client) -> None:
    """Decimal prices, targets by name, one audit entry each; counters and Stripe's ids stay. REQ OF-01."""
    event = make_event()
    session, tier = make_session(event=event), make_tier(event=event)
    enter(client, event.organization)
    form = {**FORM, "event": event.pk, "target_sessions": [session.pk], "target_ticket_tiers": [tier.pk]}
    answer = client.post(f"{LIST}add/", form)
    assert answer.status_code == 302
    offer = Offer.objects.get()
    assert (offer.price_amount, offer.inventory_total, offer.currency) == (1999, 5, event.currency)
    assert (offer.target_sessions, offer.target_ticket_tiers) == ([session.pk], [tier.pk])
    change = {**FORM, "price": "25", "sold": "4", "reserved": "4", "stripe_product_id": "prod_forged"}
    assert client.post(page_of(offer), change).status_code == 302
    offer.refresh_from_db()
    assert (offer.price_amount, offer.sold, offer.reserved, offer.stripe_product_id) == (2500, 0, 0, "")
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["offers.create", "offers.update"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("price", {"price": "1.5.5"}), ("price", {"price": "1000000"}), ("price", {"price": "19.999"}),
        ("original_price", {"original_price": "1.00"}), ("inventory_total", {"inventory_total": "0"}),
        ("per_user_limit", {"per_user_limit": "0"}), ("image_url", {"image_url": "http://plain.test/a.png"}),
        ("title", {"title": " "}), ("title", {"title": "x" * 201}), ("offer_type", {"offer_type": "CAR"}),
        ("content_url", {"content_url": "https://a.test/"}),
        ("upgrade_to_tier", {"offer_type": "TICKET_UPGRADE"}),
        ("expires_at", {"starts_at_0": "2027-01-02", "starts_at_1": "10:00", "expires_at_0": "2027-01-02",
                        "expires_at_1": "10:00"}),
    ],
)  # fmt: skip
def test_a_wrong_field_says_so_and_nothing_is_saved(
    client: Client, field: str, wrong: dict[str, str]
) -> None:
    """Each rule's refusal stands at its field, on both forms. REQ OF-02."""
    offer = make_offer(kind="MERCHANDISE", title="As it was")
    enter(client, offer.event.organization)
    for address, form in ((page_of(offer), FORM), (f"{LIST}add/", {**FORM, "event": offer.event.pk})):
        answer = client.post(address, {**form, **wrong})
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == [field]
    assert (Offer.objects.get().title, AuditEntry.objects.count()) == ("As it was", 0)


def test_choices_end_at_the_events_organization(client: Client) -> None:
    """Another organization's event, session, tier and offer are neither offered nor taken. REQ EV-04, OF-02."""
    mine, theirs = make_offer(kind="MERCHANDISE"), make_offer(title="Theirs secret")
    session, tier = make_session(event=theirs.event), make_tier(event=theirs.event)
    for person in (make_member("owner", organization=mine.event.organization), make_superuser()):
        client.force_login(person)
        page = client.get(page_of(mine)).content.decode()
        assert session.title not in page
        assert tier.name not in page
        for field, foreign in (
            ("target_sessions", session), ("target_ticket_tiers", tier), ("requires_offer", theirs),
        ):  # fmt: skip
            answer = client.post(page_of(mine), {**FORM, field: str(foreign.pk)})
            assert answer.status_code == 200, field
            assert list(answer.context["adminform"].form.errors) == [field]
    assert not AuditEntry.objects.exists()


def test_times_are_those_of_the_events_place(client: Client) -> None:
    """Ten o'clock in the form is ten o'clock where the event is, and is shown as such again. REQ OF-01."""
    event = make_event(time_zone="Europe/Berlin")
    offer = make_offer(event=event, kind="MERCHANDISE")
    enter(client, event.organization)
    form = {**FORM, "starts_at_0": "2027-01-02", "starts_at_1": "10:00"}
    assert client.post(page_of(offer), form).status_code == 302
    offer.refresh_from_db()
    assert offer.starts_at is not None
    assert offer.starts_at.isoformat() == "2027-01-02T09:00:00+00:00"
    shown = client.get(page_of(offer)).content.decode()
    assert 'value="10:00:00"' in shown
    assert "Europe/Berlin" in shown


def test_acts_need_a_post_and_a_reason_and_are_in_the_history(client: Client) -> None:
    """Pause, activate, archive: asked by GET, done by POST with a reason, which the history keeps. REQ OF-01."""
    offer = make_offer()
    enter(client, offer.event.organization)
    for name, active, archived in (
        ("pause", False, False),
        ("activate", True, False),
        ("archive", False, True),
    ):
        before = AuditEntry.objects.count()
        assert client.get(f"{LIST}act/{name}/", {"ids": str(offer.pk), "confirmed": "1"}).status_code == 200
        assert do(client, name, offer).status_code == 200
        assert AuditEntry.objects.count() == before
        assert do(client, name, offer, reason=f"Because of {name}").headers["Location"] == page_of(offer)
        offer.refresh_from_db()
        assert (offer.is_active, offer.is_archived) == (active, archived)
    reasons = list(AuditEntry.objects.order_by("id").values_list("action", "reason"))
    assert reasons == [(f"offers.{name}", f"Because of {name}") for name in ("pause", "activate", "archive")]
    assert "Because of archive" in client.get(f"{LIST}{offer.pk}/history/").content.decode()


def test_an_analyst_only_reads(client: Client) -> None:
    """Sees the offer; saving and acting are refused and nothing changes. REQ EV-04."""
    offer = make_offer(title="As it was")
    enter(client, offer.event.organization, "analyst")
    assert client.get(page_of(offer)).status_code == 200
    assert client.post(page_of(offer), FORM).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert do(client, "pause", offer, reason="Mischief").status_code == 403
    offer.refresh_from_db()
    assert (offer.title, offer.is_active, AuditEntry.objects.count()) == ("As it was", True, 0)


@pytest.mark.parametrize("screen", ["offer", "purchase", "fulfillment"])
def test_lists_cost_the_same_at_fifty_rows(client: Client, screen: str) -> None:
    """A list's queries do not grow with its rows. REQ EV-04."""
    event = make_event()
    enter(client, event.organization)
    counts = []
    for rows in (5, 45):
        for _ in range(rows):
            purchase = give(make_offer(units=9, event=event, kind="MERCHANDISE"), make_user())
            owe(purchase)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"/admin/offers/{screen}/")
        counts.append(len(queries))
    assert len(answer.context["cl"].result_list) == 50
    assert counts[0] == counts[1]
