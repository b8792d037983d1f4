"""A sale without a look: what a newcomer saw is tried first, and never relied upon (REQUIREMENTS OF-04)."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_user
from common import clock, idempotency
from common.models import Job
from offers.errors import BuyerLimit, OfferUnavailable, SoldOut
from offers.models import Offer, Purchase
from offers.services import newcomers
from offers.services.reservation import reserve_purchase
from offers.services.sighting import look
from offers.tests.factories import make_offer, stock
from offers.types import PurchaseOffer
from payments.models import Order
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db

NO_KEY = idempotency.Ticket(None, None, None)


def buy(offer: Offer, **fields: Any) -> Order:
    """Buy a unit, as somebody new unless said otherwise."""
    buyer_id = fields.pop("buyer_id", None) or make_user().pk
    wish = PurchaseOffer(offer_id=offer.pk, quantity=1, buyer_id=buyer_id, buyer_email="b@example.test")
    return reserve_purchase(wish, NO_KEY, now=clock.now())


def rows() -> tuple[int, int, int]:
    """Return how many orders, purchases and jobs there are."""
    return Order.objects.count(), Purchase.objects.count(), Job.objects.count()


def test_the_next_newcomer_needs_no_look() -> None:
    """The first sale looks, locks and writes; the next locks and writes. REQ OF-05 (query budget)."""
    offer, buyer = make_offer(units=5), make_user()
    buy(offer)
    with CaptureQueriesContext(connection) as captured:
        order = buy(offer, buyer_id=buyer.pk)
    sent = [query["sql"] for query in captured if "offers_offer" in query["sql"]]
    assert len(sent) == 2
    assert "FOR UPDATE" in sent[0]
    assert (order.buyer_id, Purchase.objects.get(order=order).user_id) == (buyer.pk, buyer.pk)
    assert stock(offer) == (2, 0)


def test_terms_that_changed_since_are_looked_at() -> None:
    """Nobody buys at the price, or after the end, of what was remembered. REQ OF-04."""
    offer = make_offer(units=5, price=1999)
    buy(offer)
    Offer.objects.filter(pk=offer.pk).update(price_amount=2999)
    assert buy(offer).amount == 2999
    Offer.objects.filter(pk=offer.pk).update(is_active=False)
    before = rows()
    with pytest.raises(OfferUnavailable):
        buy(offer)
    assert (rows(), stock(offer)) == (before, (2, 0))


def test_who_has_something_already_is_looked_at() -> None:
    """A limit holds for somebody who is no newcomer, and what this one saw is nobody else's. REQ OF-14."""
    offer, buyer = make_offer(units=9, per_user_limit=2), make_user()
    for _ in range(2):
        buy(offer, buyer_id=buyer.pk)
    buy(offer)
    before = rows()
    with pytest.raises(BuyerLimit):
        buy(offer, buyer_id=buyer.pk)
    assert (rows(), stock(offer)) == (before, (3, 0))
    buy(offer)
    assert stock(offer) == (4, 0)


def test_a_ticket_of_the_tier_is_asked_for_of_every_newcomer() -> None:
    """Who holds none of the tier the offer is meant for is refused after one who does bought, and changes nothing;
    the next holder buys.

    REQ OF-14.
    """
    vip = make_tier(priority="VIP")
    standard = make_tier(event=vip.event)
    offer = make_offer(units=5, event=vip.event, target_ticket_tiers=[vip.pk])
    buy(offer, buyer_id=make_ticket(tier=vip).holder_id)
    before = rows()
    for other in (
        make_user().pk,
        make_ticket(tier=standard).holder_id,
        make_ticket(tier=make_tier()).holder_id,
    ):
        newcomers._kept.clear()
        newcomers.remember(look(offer.pk, make_user().pk))
        with pytest.raises(OfferUnavailable):
            buy(offer, buyer_id=other)
        assert (rows(), stock(offer)) == (before, (1, 0))
    newcomers._kept.clear()
    newcomers.remember(look(offer.pk, make_user().pk))
    buy(offer, buyer_id=make_ticket(tier=vip).holder_id)
    assert stock(offer) == (2, 0)


def test_the_last_unit_is_sold_once_and_one_that_came_back_again() -> None:
    """Units are counted under the lock, and nobody is refused from memory. REQ OF-04."""
    offer = make_offer(units=2)
    for _ in range(2):
        buy(offer)
    before = rows()
    with pytest.raises(SoldOut):
        buy(offer)
    assert (rows(), stock(offer)) == (before, (2, 0))
    newcomers._kept.clear()
    newcomers.remember(look(offer.pk, make_user().pk))
    Offer.objects.filter(pk=offer.pk).update(reserved=F("reserved") - 1)
    assert buy(offer).amount == offer.price_amount
    assert stock(offer) == (2, 0)


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many offers sell in one process, its memory does not grow with them."""
    monkeypatch.setattr(newcomers, "_MOST", 2)
    offers = [make_offer(units=5) for _ in range(5)]
    for offer in offers:
        buy(offer)
    assert 1 <= sum(newcomers.recall(offer.pk) is not None for offer in offers) <= 2


def test_where_newcomers_are_few_it_is_seldom_tried() -> None:
    """A try in vain has the next buyers look, the more of them the more often it was so; what sells shortens that."""
    offer = make_offer(units=50)
    buy(offer)

    def looks_until_a_try() -> int:
        newcomers.remember(look(offer.pk, make_user().pk))
        return next(number for number in range(99) if newcomers.recall(offer.pk) is not None)

    pauses = []
    for _ in range(7):
        pauses.append(looks_until_a_try())
        newcomers.forget(offer.pk)
    assert pauses == [0, 1, 3, 7, 15, 31, 31]
    for _ in range(3):
        newcomers.prove(offer.pk)
    looks_until_a_try()
    newcomers.forget(offer.pk)
    assert looks_until_a_try() == 7
