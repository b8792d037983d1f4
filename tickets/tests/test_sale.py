"""Buying tickets: what is refused, what is held, and what a sale becomes (REQUIREMENTS TK-01, OF-04 to OF-14)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import NOW, bearer, make_user
from common import clock, idempotency
from common.errors import Failure
from events.models import Registration
from events.tests.factories import make_event, make_registration
from payments.models import Order
from payments.purposes import Settlement
from tickets.models import Ticket, TicketSale, TicketTier
from tickets.services.checkout import buy_tickets, reserve_tickets
from tickets.services.purpose import TicketPurpose
from tickets.services.reconcile import reconcile_tiers
from tickets.services.reissuing import void_ticket
from tickets.tests.factories import code_of, make_scanner, make_tier, scan
from tickets.types import BuyTickets

pytestmark = pytest.mark.django_db
NO_KEY = idempotency.Ticket(None, None, None)
PURPOSE = TicketPurpose()


def wish(tier: TicketTier, *, buyer: User | None = None, quantity: int = 1, **more: Any) -> BuyTickets:
    """Say what somebody wants."""
    buyer = buyer or make_user()
    given = {"event_id": tier.event_id, "tier_id": tier.pk, "quantity": quantity, **more}
    return BuyTickets(buyer_id=buyer.pk, buyer_email=buyer.email, **given)


def reserved(tier: TicketTier, quantity: int = 1, buyer: User | None = None) -> Order:
    """Hold tickets for somebody."""
    return reserve_tickets(wish(tier, quantity=quantity, buyer=buyer), NO_KEY, now=NOW)


def sold(tier: TicketTier, quantity: int = 1, buyer: User | None = None) -> Order:
    """Hold tickets, and have the money come."""
    order = reserved(tier, quantity, buyer)
    PURPOSE.lock(order.purpose_id)
    assert PURPOSE.settle(order, now=NOW) is Settlement.SETTLED
    return order


def counts(tier: TicketTier) -> tuple[int, int]:
    """Return (reserved, sold), which the product's own proof finds right."""
    tier.refresh_from_db()
    assert reconcile_tiers(now=NOW, tier_ids=[tier.pk], dry_run=True) == []
    return tier.reserved, tier.sold


def test_a_sale_becomes_tickets_once() -> None:
    """As many as were bought, the buyer's, who is registered; settling again changes nothing. REQ TK-01."""
    tier, buyer = make_tier(units=5, price_amount=1500), make_user()
    order = sold(tier, 3, buyer)
    PURPOSE.settle(order, now=NOW)
    tickets = Ticket.objects.filter(holder=buyer, tier=tier, status="VALID")
    assert sorted(tickets.values_list("sale_position", flat=True)) == [1, 2, 3]
    assert Registration.objects.filter(event=tier.event, user=buyer).exists()
    assert (counts(tier), PURPOSE.units_sold(order)) == ((0, 3), 3)
    [item] = PURPOSE.describe([order])[order.pk]
    assert (item.tier_id, item.fulfillment_status, len(item.fulfillment["tickets"])) == (
        tier.pk,
        "FULFILLED",
        3,
    )


def test_released_tickets_are_free_and_paid_late_if_any_are_left() -> None:
    """Paid after the release: tickets if there are some, else nothing changes and the money goes back. REQ OF-08."""
    tier = make_tier(units=2, price_amount=1500)
    lucky, late = reserved(tier), reserved(tier)
    for order in (lucky, late):
        PURPOSE.release(order, now=NOW)
        PURPOSE.release(order, now=NOW)
    assert counts(tier) == (0, 0)
    assert PURPOSE.settle(lucky, now=NOW) is Settlement.SETTLED
    sold(tier)
    assert PURPOSE.settle(late, now=NOW) is Settlement.NO_STOCK
    assert (counts(tier), Ticket.objects.count()) == ((0, 2), 2)


def test_returned_units_void_tickets_the_unused_first() -> None:
    """One was voided by staff, one was used: the first unit back is the void one, the next the unused. REQ PA-07."""
    tier, buyer = make_tier(units=3, price_amount=1500), make_user()
    order = sold(tier, 3, buyer)
    used, unused, voided = Ticket.objects.order_by("sale_position")
    scan(make_scanner(tier.event), tier.event, code_of(used))
    staff = actor_of(make_scanner(tier.event, "staff"))
    void_ticket(actor=staff, ticket_id=voided.pk, reason="Lost card", now=NOW)
    assert counts(tier) == (0, 2)
    left = []
    for _ in range(4):
        with CaptureQueriesContext(connection) as asked:
            back = PURPOSE.return_units(order, 1, now=NOW)
        # The event came with its tickets, not once more for each of them.
        assert not [one for one in asked if 'FROM "events_event"' in one["sql"]]
        valid = Ticket.objects.filter(status="VALID").order_by("sale_position")
        left.append((back, list(valid.values_list("pk", flat=True)), counts(tier)[1]))
    both = [used.pk, unused.pk]
    assert left == [(1, both, 2), (1, [used.pk], 1), (1, [], 0), (0, [], 0)]
    assert not Registration.objects.filter(event=tier.event, user=buyer).exists()


def test_a_disputed_payments_tickets_open_nothing_until_it_is_won() -> None:
    """Stopped, then resumed; whoever got in has had what they paid for. REQ PA-07, TK-02."""
    tier = make_tier(price_amount=1500)
    order = sold(tier)
    ticket, scanner = Ticket.objects.get(), make_scanner(tier.event)
    PURPOSE.stop_fulfilment(order, reason="Disputed", now=NOW)
    assert scan(scanner, tier.event, code_of(ticket)).reason == "stopped"
    assert PURPOSE.is_fulfilled(order) is False
    PURPOSE.resume_fulfilment(order, now=NOW)
    assert scan(scanner, tier.event, code_of(ticket)).result == "accepted"
    assert PURPOSE.is_fulfilled(order) is True


class Shop:
    """Both doors to the box office; answers are ``(code, fields)`` or the order's status."""

    def __init__(self, name: str, user: User) -> None:
        self.name, self.client = name, Client(headers=bearer(user))

    def buy(self, event_id: object, tier_id: object, quantity: int, key: str | None = None) -> str:
        """Buy and return the order's status, or the code of the refusal."""
        headers = {"Idempotency-Key": key} if key else {}
        if self.name == "REST":
            body: dict[str, Any] = {"tier_id": str(tier_id), "quantity": quantity}
            url = f"/api/v1/events/{event_id}/checkout"
            answer = self.client.post(url, body, content_type="application/json", headers=headers)
            told = answer.json()
            return str(told["order"]["status"] if answer.status_code == 201 else told["code"])
        query = (
            "mutation($e: ID, $t: ID!, $n: Int!) { createCheckoutSession(eventId: $e, tierId: $t, quantity: $n)"
            " { checkoutSessionId stripeCheckoutUrl expiresAt order { id orderNumber status } } }"
        )
        body = {"query": query, "variables": {"e": str(event_id), "t": str(tier_id), "n": quantity}}
        told = self.client.post("/graphql", body, content_type="application/json", headers=headers).json()
        if "errors" in told:
            return str(told["errors"][0]["extensions"]["code"])
        return str(told["data"]["createCheckoutSession"]["order"]["status"])


shops = pytest.mark.parametrize("name", ["REST", "GraphQL"])


@shops
def test_free_tickets_are_there_at_once(name: str) -> None:
    """Without Stripe; the same key again is the same order; the tickets are in "my tickets". REQ OF-10, OF-13."""
    user, tier = make_user(), make_tier(units=5)
    shop = Shop(name, user)
    assert [shop.buy(tier.event_id, tier.pk, 2, key="one") for _ in range(2)] == ["COMPLETED"] * 2
    assert (counts(tier), Order.objects.count()) == ((0, 2), 1)
    assert shop.client.get("/api/v1/me/tickets").json()["count"] == 2
    assert shop.buy(tier.event_id, tier.pk, 3, key="one") == "idempotency_mismatch"


@shops
def test_what_cannot_be_bought_is_refused_and_holds_nothing(name: str, settings: Settings) -> None:
    """Each refusal has the contract's code, and no sale, order or counter comes of it. REQ OF-05, OF-14, EV-03."""
    settings.PURCHASE_RATE_LIMIT = 100
    user, event = make_user(), make_event()
    few = make_tier(event=event, units=1)
    off = make_tier(event=event, is_active=False)
    limited = make_tier(event=event, per_user_limit=1)
    hidden = make_tier(event=make_event(private=True))
    shop = Shop(name, user)
    cases = [
        (event.pk, few.pk, 2, "sold_out"),
        (event.pk, off.pk, 1, "offer_unavailable"),
        (event.pk, limited.pk, 2, "buyer_limit"),
        (event.pk, few.pk, 0, "invalid"),
        (event.pk, few.pk, 21, "invalid"),
        (event.pk, hidden.pk, 1, "not_found"),
        (hidden.event_id, hidden.pk, 1, "not_found"),
        (event.pk, uuid4(), 1, "not_found"),
    ]
    for event_id, tier_id, quantity, code in cases:
        assert shop.buy(event_id, tier_id, quantity) == code
    settings.PURCHASES_ENABLED = False
    assert shop.buy(event.pk, few.pk, 1) == "purchases_disabled"
    assert (Order.objects.count(), TicketSale.objects.count()) == (0, 0)
    assert [counts(tier) for tier in (few, off, limited, hidden)] == [(0, 0)] * 4
    settings.PURCHASES_ENABLED = True
    make_registration(hidden.event, user)
    assert shop.buy(hidden.event_id, hidden.pk, 1) == "COMPLETED"


def test_nobody_holds_more_unpaid_than_the_limits(settings: Settings) -> None:
    """So many checkouts and tickets of a tier at once; a final refusal stays one under its key. REQ OF-07, OF-06."""
    settings.HOLD_LIMIT_UNITS, settings.HOLD_LIMIT_CHECKOUTS = 4, 2
    tier, buyer = make_tier(units=50, price_amount=900), make_user()
    reserved(tier, 3, buyer)
    with pytest.raises(Failure) as units:
        reserved(tier, 2, buyer)
    reserved(tier, 1, buyer)
    with pytest.raises(Failure) as checkouts:
        reserved(tier, 1, buyer)
    assert {units.value.code, checkouts.value.code} == {"hold_limit"}
    assert counts(tier) == (4, 0)
    gone = make_tier(units=1)
    sold(gone)
    for _ in range(2):
        with pytest.raises(Failure) as refused:
            buy_tickets(wish(gone, buyer=buyer, key="k"), now=clock.now())
        assert refused.value.code == "sold_out"
        TicketTier.objects.filter(pk=gone.pk).update(inventory_total=9)


def test_nothing_is_sold_once_the_event_is_over() -> None:
    """REQ OF-03: the last moment to buy is before its end."""
    tier = make_tier(price_amount=900)
    with pytest.raises(Failure) as refused:
        reserve_tickets(wish(tier), NO_KEY, now=tier.event.ends_at)
    assert refused.value.code == "offer_unavailable"
    before = tier.event.ends_at - timedelta(seconds=1)
    assert reserve_tickets(wish(tier), NO_KEY, now=before).amount == 900


def test_tickets_held_for_a_closed_order_are_found_and_given_back() -> None:
    """Shown by a dry run, repaired by the other; what an open order holds stays. REQ PA-08."""
    tier = make_tier(units=5, price_amount=900)
    lost, held = reserved(tier, 2), reserved(tier)
    Order.objects.filter(pk=lost.pk).update(state="expired")
    for dry_run, repaired in ((True, False), (False, True)):
        [found] = reconcile_tiers(now=NOW, tier_ids=[tier.pk], dry_run=dry_run)
        assert (found.subject_id, found.found, found.proven, found.repaired) == (
            lost.purpose_id,
            2,
            0,
            repaired,
        )
    assert counts(tier) == (1, 0)
    assert TicketSale.objects.get(pk=held.purpose_id).reserved_units == 1
