"""A tier's currency is its event's: a free tier follows it, and what was sold for money keeps it. REQ TK-01."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_user
from accounts.tests.screens import enter
from common import idempotency
from common.audit.models import AuditEntry
from common.errors import Invalid
from common.types import Actor
from config.local_stack.testing.race import Follower
from config.tests.test_admin_overtaken import errors_of, opened, page_of
from events.models import Event
from events.services.events import EventInput, update_event
from events.tests.factories import make_event
from tickets.models import TicketSale, TicketTier
from tickets.services.checkout import reserve_tickets
from tickets.services.stock import lock_tier
from tickets.services.tiers import TierInput, update_tier
from tickets.tests.factories import make_tier
from tickets.types import BuyTickets

FREE = TierInput("Standard", "", "STANDARD", "0", None, True, 0)


def change_currency(event: Event, actor: Actor, currency: str) -> None:
    said = {name: getattr(event, name) for name in EventInput.__dataclass_fields__}
    update_event(actor=actor, event_id=event.pk, event=EventInput(**{**said, "currency": currency}), now=NOW)


def tier_and_owner(**fields: Any) -> tuple[TicketTier, Actor]:
    """Make a tier of an event in USD."""
    event = make_event(currency="USD")
    owner = actor_of(make_member("owner", organization=event.organization))
    return make_tier(event=event, name="Standard", **fields), owner


def give_price(tier: TicketTier, actor: Actor, price: str) -> tuple[str, int]:
    """Change the price as an organizer does; return currency and minor units as they are kept."""
    try:
        update_tier(actor=actor, tier_id=tier.pk, tier=replace(FREE, price=price), now=NOW)
    finally:
        tier.refresh_from_db()
    return tier.currency, tier.price_amount


def begin_to_buy(tier: TicketTier) -> None:
    buyer = make_user()
    wish = BuyTickets(
        buyer_id=buyer.pk, buyer_email=buyer.email, event_id=tier.event_id, tier_id=tier.pk, quantity=1
    )
    reserve_tickets(wish, idempotency.Ticket(None, None, None), now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("is_taken", [False, True])
def test_a_free_tier_is_priced_in_the_currency_of_its_event(is_taken: bool) -> None:
    """5000 in an event that went to JPY is 5,000 yen, also where tickets were given away. REQ TK-01, OF-02."""
    tier, owner = tier_and_owner()
    if is_taken:
        begin_to_buy(tier)
    change_currency(tier.event, owner, "JPY")
    assert give_price(tier, owner, "5000") == ("JPY", 5000)
    with pytest.raises(Invalid) as refused:
        change_currency(tier.event, owner, "USD")
    assert [(error.field, error.code) for error in refused.value.errors] == [("currency", "immutable")]


@pytest.mark.django_db
def test_a_free_tier_follows_its_event_at_once(client: Client) -> None:
    """Nobody saves it: the list says the new currency, and its history who changed that. REQ TK-01, EV-04."""
    tier, owner = tier_and_owner()
    elsewhere = make_tier(name="Elsewhere")
    change_currency(tier.event, owner, "JPY")
    [told] = client.get(f"/api/v1/events/{tier.event_id}/ticket-tiers").json()["results"]
    assert (told["price"], told["currency"]) == ("0", "JPY")
    entry = AuditEntry.objects.get(action="tickets.follow_currency")
    assert (entry.subject_id, entry.actor_id) == (str(tier.pk), owner.user_id)
    assert entry.changes == {"currency": ["USD", "JPY"]}
    elsewhere.refresh_from_db()
    assert elsewhere.currency == elsewhere.event.currency == "USD"


@pytest.mark.django_db
def test_staff_price_a_free_tier_in_the_currency_of_its_event(client: Client) -> None:
    """A row of an earlier release, which did not follow: the page names the currency it will be in, and its own first
    answer for the price will do. REQ TK-01, EV-04."""
    tier, _ = tier_and_owner()
    Event.objects.filter(pk=tier.event_id).update(currency="JPY")
    enter(client, tier.event.organization, "owner")
    sent = opened(client, tier)
    assert "In JPY, such as 1999; 0 is free." in client.get(page_of(tier)).content.decode()
    for price, kept in ((sent["price"], ("JPY", 0)), ("5000", ("JPY", 5000))):
        assert errors_of(client.post(page_of(tier), opened(client, tier) | {"price": price})) == {}
        tier.refresh_from_db()
        assert (tier.currency, tier.price_amount) == kept


@pytest.mark.django_db
def test_a_price_typed_before_the_currency_changed_is_not_one_of_the_new(client: Client) -> None:
    """The page said USD, and a colleague went to EUR: refused at the price, until the page says EUR. REQ TK-01."""
    tier, owner = tier_and_owner()
    enter(client, tier.event.organization, "owner")
    sent = opened(client, tier) | {"price": "50.00"}
    assert "In USD, such as 19.99; 0 is free." in client.get(page_of(tier)).content.decode()
    change_currency(tier.event, owner, "EUR")

    refused = client.post(page_of(tier), sent)

    assert list(errors_of(refused)) == ["price"]
    assert "it is “0.00 EUR” now" in errors_of(refused)["price"]
    tier.refresh_from_db()
    assert (tier.currency, tier.price_amount) == ("EUR", 0)
    found = re.search(r'name="_shown" value="([^"]*)"', refused.content.decode())
    assert found is not None
    assert errors_of(client.post(page_of(tier), sent | {"_shown": found[1]})) == {}
    tier.refresh_from_db()
    assert (tier.currency, tier.price_amount) == ("EUR", 5000)


@pytest.mark.django_db
def test_the_currency_stays_once_a_tier_was_sold_for_money() -> None:
    """Made free afterwards, its checkouts are still in the old currency: the event keeps it. REQ TK-01, OF-02."""
    tier, owner = tier_and_owner(price_amount=1000)
    begin_to_buy(tier)
    assert give_price(tier, owner, "0") == ("USD", 0)
    with pytest.raises(Invalid) as refused:
        change_currency(tier.event, owner, "JPY")
    [error] = refused.value.errors
    assert (error.field, error.code) == ("currency", "immutable")
    assert "Its tickets were sold in this currency." in error.message
    assert give_price(tier, owner, "12.50") == ("USD", 1250)


@pytest.mark.django_db
def test_a_tier_of_another_currency_gets_no_new_price() -> None:
    """Rows of earlier releases: kept as they are or made free, a new price is refused at its field. REQ TK-01."""
    tier, owner = tier_and_owner(price_amount=1000)
    begin_to_buy(tier)
    Event.objects.filter(pk=tier.event_id).update(currency="JPY")
    for kept in (1000, 0):
        with pytest.raises(Invalid) as refused:
            give_price(tier, owner, "5000")
        assert [(error.field, error.code) for error in refused.value.errors] == [("price", "immutable")]
        assert (tier.currency, tier.price_amount) == ("USD", kept)
        assert give_price(tier, owner, "10.00" if kept else "0") == ("USD", kept)
        assert give_price(tier, owner, "0") == ("USD", 0)


@pytest.mark.django_db(transaction=True)
def test_a_price_that_is_given_while_the_currency_changes_is_in_the_new_one() -> None:
    """It waits for the change and is read after it. REQ TK-01."""
    tier, owner = tier_and_owner()

    def pricing() -> None:
        give_price(TicketTier.objects.get(pk=tier.pk), owner, "5000")

    follower = Follower(pricing)
    with transaction.atomic():
        change_currency(tier.event, owner, "JPY")
        follower.start()
    follower.result()
    tier.refresh_from_db()
    assert (tier.currency, tier.price_amount) == ("JPY", 5000)


@pytest.mark.django_db(transaction=True)
def test_a_free_ticket_and_a_change_of_currency_do_not_wait_for_each_other() -> None:
    """A buyer has the tier and refers to the event; the change has the event and comes to the tier. REQ TK-01."""
    tier, owner = tier_and_owner()

    def changing() -> None:
        with transaction.atomic():
            change_currency(tier.event, owner, "JPY")

    follower = Follower(changing)
    with transaction.atomic():
        lock_tier(tier.pk)
        follower.start()
        begin_to_buy(tier)
    follower.result()
    tier.refresh_from_db()
    assert (tier.currency, TicketSale.objects.filter(tier=tier).count()) == ("JPY", 1)
