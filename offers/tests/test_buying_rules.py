"""Who may buy what: each refusal by its code, and nothing changed by it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.tests.factories import bearer, make_user
from common import clock
from common.outbox.testing import run_due
from events.tests.factories import make_event, make_registration
from offers.models import Fulfillment, FulfillmentStatus, Offer, Purchase
from offers.tests.factories import Door, give, make_offer, make_upgrade, pay, settle, stock
from offers.tests.market import Market
from payments.models import Order
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db(transaction=True)


def refused(response: Any) -> tuple[int, str]:
    """Return status and code of a refusal, which wrote nothing."""
    assert Order.objects.filter(state="reserved").count() == 0
    return response.status_code, response.json()["code"]


def buy_by_graphql(user: User, offer: Offer, quantity: int = 1) -> dict[str, Any]:
    """Buy through the other door and return the whole answer."""
    query = (
        f'mutation {{ purchaseOffer(offerId: "{offer.pk}", quantity: {quantity}) '
        "{ checkoutSessionId stripeCheckoutUrl order { status totalAmount { amount currency } } } }"
    )
    body = json.dumps({"query": query})
    return Client().post("/graphql", body, content_type="application/json", headers=bearer(user)).json()


def ended() -> Offer:
    now = clock.now()
    return make_offer(units=5, starts_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))


def scheduled() -> Offer:
    return make_offer(units=5, starts_at=clock.now() + timedelta(hours=1))


def foreign_private() -> Offer:
    return make_offer(units=5, event=make_event(private=True))


def requiring() -> Offer:
    first = make_offer(units=5)
    return make_offer(units=5, event=first.event, requires_offer=first)


def for_vips() -> Offer:
    event = make_event()
    return make_offer(units=5, event=event, target_ticket_tiers=[make_tier(event=event, priority="VIP").pk])


CASES: dict[str, tuple[Callable[[], Offer], int, int, str]] = {
    "sold out": (lambda: make_offer(units=5, sold=5), 1, 409, "sold_out"),
    "too few left": (lambda: make_offer(units=5, sold=3), 3, 409, "sold_out"),
    "paused": (lambda: make_offer(units=5, is_active=False), 1, 409, "offer_unavailable"),
    "archived": (lambda: make_offer(units=5, is_archived=True), 1, 409, "offer_unavailable"),
    "ended": (ended, 1, 409, "offer_unavailable"),
    "not started": (scheduled, 1, 409, "offer_unavailable"),
    "needs another first": (requiring, 1, 409, "offer_unavailable"),
    "for another tier": (for_vips, 1, 409, "offer_unavailable"),
    "over the buyer's limit": (lambda: make_offer(units=50, per_user_limit=2), 3, 409, "buyer_limit"),
    "a private event of others": (foreign_private, 1, 404, "not_found"),
    "none": (lambda: make_offer(units=5), 0, 400, "invalid"),
    "too many at once": (lambda: make_offer(units=50), 21, 400, "invalid"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_refusal_is_the_same_at_both_doors_and_changes_nothing(name: str) -> None:
    """REST and GraphQL refuse with one code, and no order, purchase or unit moves. REQ OF-02, OF-04, OF-14, EV-03."""
    make, quantity, status, code = CASES[name]
    offer, user = make(), make_user()
    before = stock(offer)
    assert refused(Door(user).buy(offer, quantity=quantity)) == (status, code)
    assert buy_by_graphql(user, offer, quantity)["errors"][0]["extensions"]["code"] == code
    assert stock(offer) == before
    assert (Purchase.objects.count(), Order.objects.count()) == (0, 0)


def test_nobody_buys_without_signing_in() -> None:
    """Without a token: 401 at both doors. REQ EV-02, EV-03."""
    offer = make_offer(units=5)
    path = f"/api/v1/offers/{offer.pk}/purchase"
    assert Client().post(path, {"quantity": 1}, content_type="application/json").status_code == 401
    assert stock(offer) == (0, 0)


def test_graphql_buys_like_rest(stripe_sandbox: SandboxProcess) -> None:
    """The other door holds the same units and answers the same. REQ GQ-01, OF-05."""
    offer, user = make_offer(units=5), make_user()
    answer = buy_by_graphql(user, offer, 2)["data"]["purchaseOffer"]
    assert answer["checkoutSessionId"].startswith("cs_")
    assert answer["order"] == {"status": "PENDING", "totalAmount": {"amount": 3998, "currency": "USD"}}
    assert stock(offer) == (2, 0)


def test_the_private_event_sells_to_who_is_registered(stripe_sandbox: SandboxProcess) -> None:
    """A registration opens the private event's offers. REQ EV-03."""
    event, guest = make_event(private=True), make_user()
    make_registration(event, guest)
    assert Door(guest).buy(make_offer(units=5, event=event)).status_code == 201


def test_one_person_holds_three_checkouts_and_twenty_units(stripe_sandbox: SandboxProcess) -> None:
    """Nobody locks up the stock with checkouts they leave open. REQ OF-07."""
    offer, person = make_offer(units=100), Door()
    for _ in range(3):
        assert person.buy(offer, quantity=2).status_code == 201
    assert person.buy(offer).json()["code"] == "hold_limit"
    other = Door()
    assert other.buy(offer, quantity=15).status_code == 201
    assert other.buy(offer, quantity=6).json()["code"] == "hold_limit"
    assert stock(offer) == (21, 0)


def test_eleven_purchases_a_minute_are_one_too_many(
    stripe_sandbox: SandboxProcess, settings: Settings
) -> None:
    """The eleventh waits and is told how long; another person does not. REQ OF-07."""
    settings.HOLD_LIMIT_CHECKOUTS = 100
    offer, person = make_offer(units=100), Door()
    for _ in range(10):
        assert person.buy(offer).status_code == 201
    response = person.buy(offer)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert Door().buy(offer).status_code == 201
    assert stock(offer) == (11, 0)


def test_repeating_an_answered_key_uses_up_nothing(stripe_sandbox: SandboxProcess) -> None:
    """A front end may ask for its answer again and again: only new purchases count. REQ OF-06, OF-07."""
    offer, person = make_offer(units=100), Door()
    assert [person.buy(offer, key="k").status_code for _ in range(15)] == [201] * 15
    assert person.buy(offer, key="k", quantity=2).status_code == 422
    assert person.buy(offer, key="other").status_code == 201


@pytest.mark.parametrize("quantity", ["٣", "1", 1.0, True, [1]])
def test_a_quantity_is_a_json_number(quantity: object) -> None:
    """What the library would quietly convert is refused by its field. REQ OF-02."""
    offer = make_offer(units=100)
    response = Door().buy(offer, quantity=quantity)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "quantity")
    assert stock(offer) == (0, 0)


def test_one_address_is_limited_too(stripe_sandbox: SandboxProcess, settings: Settings) -> None:
    """Many accounts behind one address share the venue's limit. REQ OF-07."""
    settings.PURCHASE_ADDRESS_RATE_LIMIT = 4
    offer = make_offer(units=100)
    assert [Door().buy(offer).status_code for _ in range(5)] == [201, 201, 201, 201, 429]
    assert stock(offer) == (4, 0)


def test_paused_purchases_say_so_and_webhooks_go_on(
    stripe_sandbox: SandboxProcess, settings: Settings
) -> None:
    """New purchases are 503 at both doors; one that was begun is paid, which the webhook alone tells, and fulfilled.

    REQ OF-05, PA-03.
    """
    market = Market(stripe_sandbox)
    offer, person = market.offers[0], Door(market.buyers[0])
    begun = person.buy(offer).json()
    settings.PURCHASES_ENABLED = False
    response = person.buy(offer)
    assert (response.status_code, response.json()["code"]) == (503, "purchases_disabled")
    refusal = buy_by_graphql(person.user, offer)["errors"][0]["extensions"]
    assert (refusal["code"], refusal["retryable"]) == ("purchases_disabled", True)
    pay(stripe_sandbox, begun["checkout_session_id"])
    run_due()
    assert stock(offer) == (1, 0)
    for event_id in list(market.collect()):
        market.deliver(event_id)
    run_due()
    assert stock(offer) == (0, 1)
    assert Fulfillment.objects.get().status == FulfillmentStatus.FULFILLED


def test_a_free_offer_is_complete_without_stripe(stripe_sandbox: SandboxProcess) -> None:
    """Nothing to pay: complete at once, fulfilled, and Stripe was not asked. REQ OF-10."""
    offer, person = make_offer(units=5, price=0, content_url="https://content.test/x"), Door()
    answer = person.buy(offer).json()
    assert (answer["order"]["status"], answer["checkout_session_id"]) == ("COMPLETED", None)
    assert stock(offer) == (0, 1)
    assert stripe_sandbox.control("requests")["requests"] == []


def test_what_requires_another_is_sold_after_it_and_what_excludes_it_is_not(
    stripe_sandbox: SandboxProcess,
) -> None:
    """Conditions on what the buyer has, bought and not returned. REQ OF-14."""
    first = make_offer(units=5)
    second = make_offer(units=5, event=first.event, requires_offer=first)
    third = make_offer(units=5, event=first.event, excludes_offer=first)
    person = Door()
    give(first, person.user, held=True)
    assert person.buy(second).json()["code"] == "offer_unavailable"
    give(first, person.user)
    assert person.buy(second).status_code == 201
    assert person.buy(third).json()["code"] == "offer_unavailable"
    assert Door().buy(third).status_code == 201


def test_more_may_be_bought_later_within_the_limit(stripe_sandbox: SandboxProcess) -> None:
    """The limit per buyer counts what is held and sold, not what was given back. REQ OF-14."""
    offer, person = make_offer(units=50, per_user_limit=3), Door()
    returned = give(offer, person.user, quantity=2)
    Purchase.objects.filter(pk=returned.pk).update(sold_units=0, returned_units=2)
    Offer.objects.filter(pk=offer.pk).update(sold=0)
    assert person.buy(offer, quantity=2).status_code == 201
    assert person.buy(offer, quantity=2).json()["code"] == "buyer_limit"
    assert person.buy(offer).status_code == 201


def test_an_upgrade_asks_which_ticket_and_holds_room_in_the_tier(stripe_sandbox: SandboxProcess) -> None:
    """With two tickets one is named; room is reserved in the better tier; paid, the ticket is there. REQ OF-11."""
    offer, standard = make_upgrade(places=5)
    person = Door()
    mine = [make_ticket(holder=person.user, tier=standard) for _ in range(2)]
    unnamed = person.buy(offer)
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (400, "ticket_id")
    other = make_ticket(tier=standard)
    assert person.buy(offer, ticket_id=str(other.pk)).json()["errors"][0]["field"] == "ticket_id"
    answer = person.buy(offer, ticket_id=str(mine[1].pk)).json()
    vip = TicketTier.objects.get(pk=offer.upgrade_to_tier_id)
    assert (vip.reserved, vip.sold) == (1, 0)
    settle(stripe_sandbox, answer, person)
    mine[1].refresh_from_db()
    vip.refresh_from_db()
    standard.refresh_from_db()
    assert mine[1].tier_id == vip.pk
    assert (vip.reserved, vip.sold, standard.sold) == (0, 1, 2)
    assert person.buy(offer, ticket_id=str(mine[1].pk)).status_code == 400


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(
    stripe_sandbox: SandboxProcess,
) -> None:
    """One key is one purchase, for its person only; without a key both go through. REQ OF-06, OF-13."""
    offer, person = make_offer(units=50), Door()
    first = person.buy(offer, key="k").json()
    assert person.buy(offer, key="k").json() == first
    mismatch = person.buy(offer, key="k", quantity=2)
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")
    assert Door().buy(offer, key="k").json()["order"]["id"] != first["order"]["id"]
    without = [person.buy(offer).json()["order"]["id"] for _ in range(2)]
    assert len({first["order"]["id"], *without}) == 3
    assert stock(offer) == (4, 0)


def test_a_final_refusal_is_given_again_and_a_retryable_one_is_not(
    stripe_sandbox: SandboxProcess, settings: Settings
) -> None:
    """Sold out stays sold out under its key; an outage does not. REQ OF-06."""
    offer, person = make_offer(units=1, sold=1), Door()
    assert person.buy(offer, key="gone").json()["code"] == "sold_out"
    Offer.objects.filter(pk=offer.pk).update(sold=0)
    assert person.buy(offer, key="gone").json()["code"] == "sold_out"
    settings.PURCHASES_ENABLED = False
    assert person.buy(offer, key="later").status_code == 503
    settings.PURCHASES_ENABLED = True
    assert person.buy(offer, key="later").status_code == 201


@pytest.mark.parametrize("fault", ["timeout_after_commit", "cut_after_commit", "500_after_commit"])
def test_an_unknown_outcome_keeps_the_hold_and_the_same_key_goes_on(
    stripe_sandbox: SandboxProcess, settings: Settings, fault: str
) -> None:
    """503 retryable, the unit still held; the same key ends with the one purchase. REQ OF-05, OF-13, PA-01."""
    settings.STRIPE_TIMEOUT_SECONDS = 3.0
    offer, person = make_offer(units=5), Door()
    assert person.buy(offer, key="warm").status_code == 201
    stripe_sandbox.control("faults", api=fault, times=3, path_prefix="/v1/checkout/sessions", method="POST")
    response = person.buy(offer, key="k")
    assert (response.status_code, response.json()["retryable"]) == (503, True)
    assert stock(offer) == (2, 0)
    stripe_sandbox.control("faults", reset=True)
    assert person.buy(offer, key="k").status_code == 201
    assert stock(offer) == (2, 0)
    assert Purchase.objects.filter(user=person.user).count() == 2
