"""Many buyers, few tickets; and the whole way through Stripe's sandbox (REQUIREMENTS OF-04, OF-05)."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.tests.factories import make_user
from common import clock, idempotency
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from offers.tests.factories import Door, settle
from payments.models import Order
from sandbox.testing import SandboxProcess
from tickets.models import Ticket, TicketTier
from tickets.services import checkout
from tickets.services.checkout import reserve_tickets
from tickets.services.purpose import TicketPurpose
from tickets.tests.factories import code_of, make_scanner, make_tier, scan
from tickets.types import BuyTickets

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS, UNITS = 20, 5
NO_KEY = idempotency.Ticket(None, None, None)


def wishes(tier: TicketTier) -> list[BuyTickets]:
    """Let as many people as there are contenders want one ticket each."""
    people = [make_user() for _ in range(BUYERS)]
    return [
        BuyTickets(
            event_id=tier.event_id, tier_id=tier.pk, quantity=1, buyer_id=one.pk, buyer_email=one.email
        )
        for one in people
    ]


def test_the_last_five_tickets_are_sold_five_times(race: Race) -> None:
    """Twenty at once: five hold one, the others hear that it is sold out, the counters are exact. REQ OF-04."""
    tier = make_tier(units=UNITS, price_amount=1500)
    wanted = wishes(tier)
    outcomes = race(BUYERS, lambda number: reserve_tickets(wanted[number], NO_KEY, now=clock.now()))
    assert sum(isinstance(one, Order) for one in outcomes) == UNITS
    assert Counter(getattr(one, "code", "held") for one in outcomes) == {
        "held": UNITS,
        "sold_out": BUYERS - UNITS,
    }
    tier.refresh_from_db()
    assert (tier.reserved, tier.sold, tier.available) == (UNITS, 0, 0)


def test_control_without_the_lock_they_oversell(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the tier read without its lock, and the database's CHECK off; all of them hold one. REQ OF-04."""
    tier = make_tier(units=UNITS, price_amount=1500)
    monkeypatch.setattr(checkout, "lock_tier", lambda tier_id: TicketTier.objects.get(pk=tier_id))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tickets_tickettier DROP CONSTRAINT tier_never_oversold")
    try:
        outcomes = _all_at_once(race, tier, wishes(tier))
        assert sum(isinstance(one, Order) for one in outcomes) > UNITS
    finally:
        TicketTier.objects.filter(pk=tier.pk).update(reserved=0)
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE tickets_tickettier ADD CONSTRAINT tier_never_oversold "
                "CHECK (inventory_total IS NULL OR sold <= inventory_total - reserved)"
            )


def _all_at_once(race: Race, tier: TicketTier, wanted: list[BuyTickets]) -> list[Any]:
    """Let every buyer wait for the tier in the middle of their purchase, then all go on."""
    acts = [partial(reserve_tickets, one, NO_KEY, now=clock.now()) for one in wanted]
    return race.behind(TicketTier.objects.filter(pk=tier.pk), acts)


def test_settled_ten_times_at_once_it_issues_once(race: Race) -> None:
    """Webhook, return page and sweeper settle at the same moment: two tickets, once. REQ PA-04."""
    tier, buyer = make_tier(units=5, price_amount=1500), make_user()
    wish = BuyTickets(
        event_id=tier.event_id, tier_id=tier.pk, quantity=2, buyer_id=buyer.pk, buyer_email=buyer.email
    )
    order, purpose = reserve_tickets(wish, NO_KEY, now=clock.now()), TicketPurpose()

    def act(_: int) -> None:
        with transaction.atomic():
            purpose.lock(order.purpose_id)
            purpose.settle(order, now=clock.now())

    assert race(10, act) == [None] * 10
    tier.refresh_from_db()
    assert (tier.reserved, tier.sold, Ticket.objects.count()) == (0, 2, 2)


def test_bought_paid_scanned_and_refunded(stripe_sandbox: SandboxProcess) -> None:
    """From the checkout to the door, and back by a refund: tickets, entry, void. REQ TK-01, OF-05, PA-07."""
    tier = make_tier(units=4, price_amount=1500)
    door = Door()
    url = f"events/{tier.event_id}/checkout"
    answer = door.send("post", url, {"tier_id": str(tier.pk), "quantity": 2}).json()
    assert answer["stripe_checkout_url"].startswith(stripe_sandbox.base_url)
    assert answer["order"]["total_amount"] == {"amount": 3000, "currency": "USD"}
    settle(stripe_sandbox, answer, door)
    tickets = door.get("me/tickets").json()["results"]
    assert [ticket["status"] for ticket in tickets] == ["VALID", "VALID"]
    order = door.get(f"orders/{answer['order']['id']}").json()
    assert (order["status"], order["items"][0]["tier_id"]) == ("COMPLETED", str(tier.pk))
    tier.refresh_from_db()
    assert (tier.reserved, tier.sold, tier.stripe_price_amount) == (0, 2, 1500)
    owner = Door(make_scanner(tier.event, "owner"))
    refund = owner.send("post", f"orders/{order['id']}/refunds", {"reason": "Ill"})
    assert refund.status_code == 201, refund.content
    ticket = Ticket.objects.all()[0]
    assert scan(make_scanner(tier.event), tier.event, code_of(ticket)).reason == "stopped"
    run_due()
    assert set(Ticket.objects.values_list("status", flat=True)) == {"VOID"}
    tier.refresh_from_db()
    assert (tier.reserved, tier.sold) == (0, 0)
    assert scan(make_scanner(tier.event), tier.event, code_of(ticket)).result == "void"
