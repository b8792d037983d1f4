"""Disputes and refunds that end late or together: what comes back, and that the daily look finds them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from common import clock
from payments import gateway
from payments.models import (
    Dispute,
    Order,
    OrderStatus,
    Refund,
    RefundStatus,
)
from payments.services.applying import apply_order
from payments.services.proof import prove
from payments.services.reconciling import Drift, reconcile
from payments.tasks import reconcile_daily
from payments.tests.factories import Shop, buy, pay, work_money
from payments.tests.test_disputes import PAID, Disputed
from payments.tests.test_races_wrong_payment import charged_twice, fresh
from payments.tests.test_refunds import ask, bought, intent_of
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

PRICE = 1999
DAYS = timedelta(days=20)


@pytest.fixture
def case(shop: Shop, stripe_sandbox: SandboxProcess) -> Disputed:
    return Disputed(shop, stripe_sandbox)


def hear(order: Order) -> Order:
    """Read the order, have Stripe asked for what that brought about, and read it again."""
    for _ in range(2):
        apply_order(order.pk, now=clock.now())
        work_money()
    return fresh(order)


def grow_old(sandbox: SandboxProcess, order: Order) -> None:
    """Let everything that exists be three weeks old, with us as at Stripe."""
    Order.objects.update(created_at=F("created_at") - DAYS, paid_at=F("paid_at") - DAYS)
    Dispute.objects.update(opened_at=F("opened_at") - DAYS, updated_at=F("updated_at") - DAYS)
    Refund.objects.update(created_at=F("created_at") - DAYS, settled_at=F("settled_at") - DAYS)
    order.ledger.update(occurred_at=F("occurred_at") - DAYS)
    sandbox.control("clock", advance_seconds=int(DAYS.total_seconds()))


@pytest.mark.parametrize("is_told", [True, False], ids=["heard of apart", "heard of together"])
def test_what_a_bank_took_brings_no_units_back(case: Disputed, *, is_told: bool) -> None:
    """A cent went back in the dashboard, the rest was lost: the units stay out, whatever was heard of first.
    REQ PA-07."""
    case.sandbox.control(f"{case.charge}/refund", amount=1)
    if is_told:
        case.hear()
    case.sandbox.control(f"{case.charge}/dispute")
    if is_told:
        case.hear()
    order = case.close("lost")
    assert (order.status, order.kept.amount, order.lost_amount) == (OrderStatus.DISPUTED, 0, PAID - 1)
    assert (case.is_stopped(), case.shop.stock()) == (True, (0, 2))
    assert case.stands_in_the_books()


def test_units_of_a_refund_that_a_loss_made_impossible_stay_out(case: Disputed) -> None:
    """Staff named them, the bank took all that goodwill had left, and so Stripe refused. REQ PA-07."""
    case.refund(500)
    refused = ask(case.order, case.owner, units=2)
    case.sandbox.control(f"{case.charge}/dispute")
    case.sandbox.control(f"{case.charge}/dispute/close", status="lost")
    work_money()
    order = case.hear()
    refused.refresh_from_db()
    assert (refused.status, refused.restock_units, refused.units_returned) == (RefundStatus.FAILED, 0, 0)
    assert (order.kept.amount, case.shop.stock()) == (0, (0, 2))


def test_what_is_under_way_may_yet_come_back(case: Disputed) -> None:
    """A refund is pending and the bank takes the same money: the units come with the refund's success. REQ PA-07."""
    case.sandbox.control("faults", refunds="pending", times=1)
    pending = case.refund()
    case.sandbox.control(f"{case.charge}/dispute")
    order = case.close("lost")
    assert (order.status, case.shop.stock()) == (OrderStatus.DISPUTED, (0, 2))
    case.sandbox.control(f"refunds/{pending.stripe_refund_id}/succeed")
    order = case.hear()
    assert (order.status, order.kept.amount, case.shop.stock()) == (OrderStatus.REFUNDED, 0, (0, 0))


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_dispute_that_ends_weeks_later_is_found(case: Disputed, end: str) -> None:
    """Its last webhook was lost: the daily look asks after what stands with us, however old. REQ PA-08, PA-10."""
    case.open(amount=1000)
    grow_old(case.sandbox, case.order)
    assert reconcile_daily() == 0
    case.sandbox.control(f"{case.charge}/dispute/close", status=end)
    since = clock.now() - timedelta(days=2)
    (found,) = reconcile(since=since, now=clock.now(), dry_run=True)
    assert (found.order_id, found.drift) == (case.order.pk, Drift.DISPUTE_UNKNOWN)
    assert reconcile_daily() == 1
    assert (fresh(case.order).status, case.is_stopped()) == (OrderStatus.COMPLETED, False)
    assert reconcile_daily() == 0


@pytest.mark.parametrize(("end", "left"), [("succeed", 0), ("fail", PAID)])
def test_a_refund_that_ends_weeks_later_is_found(case: Disputed, end: str, left: int) -> None:
    """REQ PA-08: pending for days, and its webhook was lost."""
    case.sandbox.control("faults", refunds="pending", times=1)
    refund = case.refund()
    grow_old(case.sandbox, case.order)
    assert reconcile_daily() == 0
    case.sandbox.control(f"refunds/{refund.stripe_refund_id}/{end}")
    assert reconcile_daily() == 1
    order = fresh(case.order)
    assert (order.kept.amount, order.refund_pending_amount, case.is_stopped()) == (left, 0, not left)


def test_an_order_from_before_losses_were_summed_up_is_found(case: Disputed) -> None:
    """Disputed with us, though no dispute stands: the daily look reads it again. REQ PA-08."""
    case.open(amount=1000)
    case.close("lost")
    Order.objects.filter(pk=case.order.pk).update(is_disputed=True, lost_amount=0)
    grow_old(case.sandbox, case.order)
    assert reconcile_daily() == 1
    assert (fresh(case.order).lost_amount, fresh(case.order).is_disputed) == (1000, False)


def test_money_kept_twice_is_told(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """The automatic refund failed for good: the proof says so while it is news, whatever the order's age. REQ PA-12."""
    stripe_sandbox.control("faults", refunds="failed", times=1)
    order, _ = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    Order.objects.update(created_at=F("created_at") - DAYS)
    since = clock.now() - timedelta(days=2)
    (told,) = prove(since=since, now=clock.now())
    assert (told.what, told.subject, told.ours, told.theirs) == (
        "money kept for nothing, USD",
        order.number,
        2 * PRICE,
        PRICE,
    )
    order.refunds.update(settled_at=F("settled_at") - DAYS)
    assert prove(since=since, now=clock.now()) == []


def test_a_plain_order_is_never_called_too_dear(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Paid once, and paid twice with the second one on its way back: nothing is kept for nothing. REQ PA-12."""
    plain = bought(shop, stripe_sandbox)
    assert intent_of(plain)
    order, _ = charged_twice(shop, stripe_sandbox)
    assert fresh(order).refund_pending_amount == PRICE
    assert prove(since=plain.created_at, now=clock.now()) == []


def test_one_payment_that_cannot_be_looked_at_keeps_nobody(
    case: Disputed, shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old dispute is told of; the order whose webhook was lost is repaired all the same. REQ PA-08."""
    case.open(amount=1000)
    grow_old(stripe_sandbox, case.order)
    paid, opened = buy(shop)
    pay(stripe_sandbox, opened)

    real, gone = gateway.disputes_of, intent_of(case.order)

    def disputes_of(intent_id: str) -> list[Any]:
        if intent_id == gone:
            raise gateway.Refused("No such payment")
        return list(real(intent_id))

    monkeypatch.setattr(gateway, "disputes_of", disputes_of)
    since = clock.now() - timedelta(days=2)
    found = {one.order_id: one.outcome for one in reconcile(since=since, now=clock.now(), dry_run=False)}
    assert found == {case.order.pk: "not looked at: No such payment", paid.pk: "now COMPLETED"}


def test_a_refund_that_waits_for_somebody_is_in_order(case: Disputed) -> None:
    """Pending, and waiting for the buyer, and pending again: each is taken over. REQ PA-08."""
    case.sandbox.control("faults", refunds="pending", times=1)
    refund = case.refund()
    Refund.objects.filter(pk=refund.pk).update(status=RefundStatus.REQUIRES_ACTION)
    grow_old(case.sandbox, case.order)
    assert [reconcile_daily(), reconcile_daily()] == [1, 0]
    refund.refresh_from_db()
    assert refund.status == RefundStatus.PENDING
