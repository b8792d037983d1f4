"""Money that a bank disputes, of orders where something else went wrong too: paid twice, paid late, heard of late."""

from datetime import timedelta

import pytest
from django.db.models import F

from common import clock
from notifications.models import EmailMessage
from payments import gateway
from payments.models import (
    Dispute,
    Order,
    OrderState,
    OrderStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.services.applying import apply_order
from payments.services.closing import locked_order, release
from payments.services.proof import prove
from payments.services.reconciling import Drift, reconcile
from payments.tasks import reconcile_daily
from payments.tests.factories import Shop, buy, make_shop, pay, work_money
from payments.tests.goods import Goods
from payments.tests.test_disputes import PAID, Disputed
from payments.tests.test_races_wrong_payment import charged_twice, fresh, open_twice
from payments.tests.test_refunds import ask, bought, intent_of, owner_of
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


def test_the_extra_payment_that_is_disputed_leaves_the_goods_alone(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """It went back already, and its buyer's bank disputes it as well: the first payment is what counts, and it alone
    can be refunded. REQ PA-07, PA-12."""
    order, second = charged_twice(shop, stripe_sandbox)
    order = hear(order)
    assert (order.status, order.kept.amount) == (OrderStatus.COMPLETED, PRICE)
    charge = f"charges/{order.payments.get(pk=second.pk).payment_intent_id}"
    stripe_sandbox.control(f"{charge}/dispute")
    order = hear(order)
    assert (order.status, order.pk in shop.goods.stopped) == (OrderStatus.DISPUTED, False)
    stripe_sandbox.control(f"{charge}/dispute/close", status="lost")
    order = hear(order)
    assert (order.status, order.kept.amount, order.lost_amount) == (OrderStatus.COMPLETED, PRICE, 0)
    refund = ask(order, owner_of(shop))
    assert (refund.amount, refund.payment_id == second.pk) == (PRICE, False)
    work_money()
    order = fresh(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.REFUNDED, 0, (0, 0))
    assert prove(since=order.created_at, now=clock.now()) == []


@pytest.mark.parametrize("is_asked_before", [False, True], ids=["before it was asked for", "while it was"])
@pytest.mark.parametrize("end", ["won", "lost"])
def test_an_extra_payment_goes_back_when_its_bank_has_decided(
    shop: Shop, stripe_sandbox: SandboxProcess, end: str, is_asked_before: bool
) -> None:
    """While a bank decides Stripe refunds nothing: it is asked when that is over, if the bank left it. REQ PA-12."""
    order, sessions, second = open_twice(shop)
    for session_id in sessions:
        stripe_sandbox.control(f"sessions/{session_id}/pay")
    if is_asked_before:
        apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    intent = stripe_intent(stripe_sandbox, sessions[1])
    stripe_sandbox.control(f"charges/{intent}/dispute")
    apply_order(order.pk, now=clock.now(), seen_session_id=sessions[1])
    order = hear(order)
    assert order.kept.amount == 2 * PRICE
    assert order.refunds.exclude(status=RefundStatus.FAILED).count() == 0
    stripe_sandbox.control(f"charges/{intent}/dispute/close", status=end)
    order = hear(order)
    assert (order.status, order.kept.amount, shop.stock()) == (OrderStatus.COMPLETED, PRICE, (0, 1))
    back = order.refunds.filter(status=RefundStatus.SUCCEEDED, payment=second, origin=RefundOrigin.AUTOMATIC)
    assert back.count() == (1 if end == "won" else 0)
    # However often it is read: a refusal for another reason is for people.
    asked = order.refunds.count()
    assert hear(order).refunds.count() == asked
    assert prove(since=order.created_at, now=clock.now()) == []


def stripe_intent(sandbox: SandboxProcess, session_id: str) -> str:
    """Return the PaymentIntent of a session that was paid."""
    return str(gateway.retrieve_session(session_id).payment_intent_id)


def test_a_late_payment_goes_back_when_its_bank_has_decided(
    goods: Goods, stripe_sandbox: SandboxProcess
) -> None:
    """Nothing is left of the goods: the buyer is written to when the money goes, weeks later. REQ OF-08."""
    shop = make_shop(goods, units=1)
    order, opened = buy(shop)
    with locked_order(order.pk) as held:
        release(held, OrderState.EXPIRED, now=clock.now())
    buy(shop)
    pay(stripe_sandbox, opened)
    intent = stripe_intent(stripe_sandbox, opened.checkout_session_id)
    stripe_sandbox.control(f"charges/{intent}/dispute")
    order = hear(order)
    assert (order.state, order.status, order.refunds.count()) == ("late_paid", OrderStatus.DISPUTED, 0)
    letters = EmailMessage.objects.filter(template="payments_late_refund")
    assert not letters.exists()
    grow_old(stripe_sandbox, order)
    stripe_sandbox.control(f"charges/{intent}/dispute/close", status="won")
    assert reconcile_daily() >= 1
    work_money()
    order = fresh(order)
    assert (order.status, order.kept.amount, letters.count()) == (OrderStatus.REFUNDED, 0, 1)


@pytest.mark.parametrize("refunded", [0, 999])
def test_nothing_is_given_for_what_was_lost_before_we_looked(
    shop: Shop, stripe_sandbox: SandboxProcess, refunded: int
) -> None:
    """As for what was refunded in full before: no goods, no receipt, and the units are free. REQ PA-07, OF-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    charge = f"charges/{stripe_intent(stripe_sandbox, opened.checkout_session_id)}"
    if refunded:
        stripe_sandbox.control(f"{charge}/refund", amount=refunded)
    stripe_sandbox.control(f"{charge}/dispute", amount=PRICE - refunded)
    stripe_sandbox.control(f"{charge}/dispute/close", status="lost")
    order = hear(order)
    assert (order.state, order.status, order.kept.amount) == ("late_paid", OrderStatus.DISPUTED, 0)
    assert shop.stock() == (0, 0)
    assert not EmailMessage.objects.filter(template="payments_receipt").exists()
    assert prove(since=order.created_at, now=clock.now()) == []


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
