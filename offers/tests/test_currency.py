"""An event's currency, and what is sold in it: whoever comes second learns of the first."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_organization
from common import clock
from common.errors import Invalid
from common.types import Actor
from config.local_stack.testing.race import Follower
from events.models import Event
from events.services.events import EventInput, update_event
from events.tests.factories import make_event
from offers.models import Offer
from offers.services.catalog import create_offer
from offers.tests.factories import make_offer
from offers.types import OfferInput
from tickets.models import TicketTier
from tickets.services.tiers import TierInput, create_tier


def change_currency(event: Event, actor: Actor, currency: str) -> None:
    said = {name: getattr(event, name) for name in EventInput.__dataclass_fields__}
    given = EventInput(**{**said, "currency": currency})
    update_event(actor=actor, event_id=event.pk, event=given, now=clock.now())


def event_and_owner() -> tuple[Event, Actor]:
    organization = make_organization()
    event = make_event(organization=organization, currency="USD")
    return event, actor_of(make_member("owner", organization=organization))


def sell_a_tier(event: Event, actor: Actor) -> None:
    tier = TierInput("Gold", "", "VIP", "10.00", None, True, 0)
    create_tier(actor=actor, event_id=event.pk, tier=tier, now=clock.now())


def sell_an_offer(event: Event, actor: Actor) -> None:
    given = OfferInput(title="Shirt", offer_type="MERCHANDISE", price="10.00")
    create_offer(actor, event.pk, given, now=clock.now())


@pytest.mark.django_db
@pytest.mark.parametrize("archived", [False, True])
def test_the_currency_stays_while_there_are_offers(archived: bool) -> None:
    """REQ OF-02: an offer's price and its sales are in the event's currency, so that one is settled."""
    event, owner = event_and_owner()
    change_currency(event, owner, "EUR")
    event.refresh_from_db()
    make_offer(event=event, currency="EUR", is_archived=archived)
    with pytest.raises(Invalid) as refused:
        change_currency(event, owner, "USD")
    assert [(error.field, error.code) for error in refused.value.errors] == [("currency", "immutable")]
    assert Event.objects.get(pk=event.pk).currency == "EUR"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sell", "sold"), [(sell_a_tier, TicketTier), (sell_an_offer, Offer)])
def test_what_is_made_while_the_currency_changes_is_in_the_new_one(
    sell: Callable[[Event, Actor], None], sold: Any
) -> None:
    """REQ OF-02: it waits for the change and is priced after it, not in what it saw before."""
    event, owner = event_and_owner()

    def selling() -> None:
        sell(event, owner)

    follower = Follower(selling)
    with transaction.atomic():
        change_currency(event, owner, "EUR")
        follower.start()
    follower.result()
    assert sold.objects.get(event=event).currency == "EUR"
