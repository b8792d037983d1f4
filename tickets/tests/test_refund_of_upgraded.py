"""Which tickets of an order go when a part of it is refunded, where one was upgraded since. REQ PA-07, OF-11."""

import uuid

import pytest

from common import clock
from payments.tests.factories import work_money
from sandbox.testing import SandboxProcess
from tickets.models import Ticket, TicketStatus
from tickets.services import upgrades
from tickets.services.reconcile import reconcile_tiers
from tickets.tests.factories import make_tier
from tickets.tests.test_refunded_tickets import Bought

pytestmark = pytest.mark.django_db


def upgrade(ticket: Ticket, *, is_given: bool) -> uuid.UUID:
    """Move a ticket to VIP, or only hold its place there, and return the cause."""
    cause, now = uuid.uuid4(), clock.now()
    vip = make_tier(event=ticket.event, priority="VIP", price_amount=20000, units=1)
    upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=vip.pk, user_id=ticket.holder_id, cause=cause, now=now
    )
    if is_given:
        upgrades.settle_upgrade(cause=cause, now=now)
    return cause


def refund_one(sale: Bought) -> None:
    """Give a ticket's price back and take one unit."""
    sale.promise(sale.tier.price_amount, units=1)
    work_money()


def valid(sale: Bought) -> list[int | None]:
    """Return the places in their sale of the tickets that are left."""
    rows = Ticket.objects.filter(sale__order=sale.order, status=TicketStatus.VALID).order_by("sale_position")
    return list(rows.values_list("sale_position", flat=True))


@pytest.mark.parametrize("is_given", [True, False])
def test_a_part_that_is_refunded_takes_no_upgraded_ticket(
    stripe_sandbox: SandboxProcess, is_given: bool
) -> None:
    """Of three the last was upgraded, or its upgrade is being paid: it goes after the others. REQ PA-07, OF-11."""
    sale = Bought(stripe_sandbox, 3)
    upgrade(Ticket.objects.get(sale__order=sale.order, sale_position=3), is_given=is_given)
    refund_one(sale)
    assert valid(sale) == [1, 3]
    refund_one(sale)
    assert valid(sale) == [3]
    refund_one(sale)
    assert valid(sale) == []
    assert reconcile_tiers(now=clock.now(), dry_run=True) == []


def test_an_upgrade_that_is_over_spares_no_ticket(stripe_sandbox: SandboxProcess) -> None:
    """One that was undone, or whose place went back unpaid, is no reason to keep its ticket. REQ PA-07."""
    sale = Bought(stripe_sandbox, 2)
    ticket = Ticket.objects.get(sale__order=sale.order, sale_position=2)
    upgrades.reverse_upgrade(cause=upgrade(ticket, is_given=True), now=clock.now())
    upgrades.release_upgrade(cause=upgrade(ticket, is_given=False), now=clock.now())
    refund_one(sale)
    assert valid(sale) == [1]


def test_a_ticket_that_let_somebody_in_is_kept_before_an_upgraded_one(stripe_sandbox: SandboxProcess) -> None:
    """Who is inside stays; the upgraded ticket that nobody used goes. REQ PA-07, TK-02."""
    sale = Bought(stripe_sandbox, 2)
    sale.use()
    used = Ticket.objects.get(sale__order=sale.order, first_scanned_at__isnull=False)
    other = Ticket.objects.exclude(pk=used.pk).get(sale__order=sale.order)
    upgrade(other, is_given=True)
    refund_one(sale)
    assert valid(sale) == [used.sale_position]
