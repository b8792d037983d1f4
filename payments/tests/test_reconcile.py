"""Reconciliation repairs what lost webhooks left, and the proof compares the books to the cent."""

import logging
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common import clock
from common.models import Job
from payments import gateway
from payments.models import LedgerEntry, LedgerKind, Order, OrderState, OrderStatus, Payment
from payments.services.applying import apply_order
from payments.services.holds import LOOK_AGAIN, sweep_processing
from payments.services.proof import prove
from payments.services.reconciling import Drift, reconcile
from payments.tasks import reconcile_daily
from payments.tests.factories import Shop, buy, pay, place, row_held, work_money
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(shop: Shop, stripe_sandbox: SandboxProcess) -> list[Order]:
    """Give orders whose webhooks never came: one paid, one expired, one refunded after it was settled."""
    (paid, first), (expired, second), (refunded, third) = buy(shop), buy(shop), buy(shop)
    pay(stripe_sandbox, first)
    stripe_sandbox.control(f"sessions/{second.checkout_session_id}/expire")
    pay(stripe_sandbox, third)
    apply_order(refunded.pk, now=clock.now())
    intent = Payment.objects.get(order=refunded).payment_intent_id
    stripe_sandbox.control(f"charges/{intent}/refund", amount=500)
    return [paid, expired, refunded]


def run(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("reconcile_payments", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def statuses(orders: list[Order]) -> list[OrderStatus]:
    return [Order.objects.get(pk=order.pk).status for order in orders]


def test_lost_webhooks_are_found_and_repaired(shop: Shop, lost: list[Order]) -> None:
    """A dry run tells and changes nothing, a run repairs, the next finds nothing. REQ PA-08."""
    before = statuses(lost)
    code, told = run("--dry-run")
    assert (code, statuses(lost)) == (1, before)
    assert all(
        drift.value in told for drift in (Drift.PAID_UNKNOWN, Drift.ENDED_UNKNOWN, Drift.REFUND_UNKNOWN)
    )
    assert run()[0] == 1
    assert statuses(lost) == [OrderStatus.COMPLETED, OrderStatus.EXPIRED, OrderStatus.PARTIALLY_REFUNDED]
    assert shop.stock() == (0, 2)
    assert run() == (0, "0 orders off, 0 differences in the books\n")


def test_a_session_whose_creation_nobody_saw_end_is_found(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Its id was lost, it was paid: reconciliation finds it by its metadata. REQ PA-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    Payment.objects.filter(order=order).update(session_id=None)
    Order.objects.filter(pk=order.pk).update(state=OrderState.SESSION_PENDING)
    found = reconcile(
        since=clock.now() - timedelta(hours=1), now=clock.now() + timedelta(seconds=2), dry_run=False
    )
    assert [finding.outcome for finding in found] == ["now COMPLETED"]


def test_a_delayed_payment_whose_last_word_is_lost_is_asked_about(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Days later, when no listing has its session any more: paid it brings the goods, failed it lets them go, and one
    that is still under way is left so and asked about again. REQ PA-08 PA-04."""
    shop.allows_delayed = True
    (paid, first), (failed, second), (waiting, third) = buy(shop), buy(shop), buy(shop)
    for order, opened in ((paid, first), (failed, second), (waiting, third)):
        stripe_sandbox.control(f"sessions/{opened.checkout_session_id}/pay_later")
        apply_order(order.pk, now=clock.now())
    assert {Order.objects.get(pk=order.pk).state for order in (paid, failed, waiting)} == {
        OrderState.PROCESSING
    }
    stripe_sandbox.control(f"sessions/{first.checkout_session_id}/settle")
    stripe_sandbox.control(f"sessions/{second.checkout_session_id}/fail")
    later = clock.now() + timedelta(days=9)
    assert [sweep_processing(now=later) for _ in range(2)] == [3, 3]
    assert Job.objects.filter(kind=LOOK_AGAIN).count() == 3
    work_money(later)
    states = [Order.objects.get(pk=order.pk).state for order in (paid, failed, waiting)]
    assert states == [OrderState.PAID, OrderState.FAILED, OrderState.PROCESSING]
    assert shop.stock() == (1, 1)
    assert sweep_processing(now=later) == 1


def test_an_overdue_hold_is_ended(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A hold that nothing ended is ended. REQ PA-08 OF-08."""
    order = place(shop, now=clock.now() - timedelta(hours=1))
    found = reconcile(since=clock.now() - timedelta(hours=2), now=clock.now(), dry_run=False)
    assert [(finding.drift, finding.outcome) for finding in found] == [(Drift.HOLD_OVERDUE, "now EXPIRED")]
    assert (Order.objects.get(pk=order.pk).state, shop.stock()) == (OrderState.EXPIRED, (0, 0))


@pytest.mark.django_db(transaction=True)
def test_an_order_that_others_are_at_does_not_hold_up_the_rest(shop: Shop, lost: list[Order]) -> None:
    """It is told as not repaired, the others are repaired; the next run repairs it. REQ PA-08."""
    with row_held(lost[0]):
        found = reconcile(since=clock.now() - timedelta(hours=1), now=clock.now(), dry_run=False)
    outcomes = {finding.order_id: finding.outcome for finding in found}
    assert outcomes.pop(lost[0].pk).startswith("not repaired: ")
    assert sorted(outcomes.values()) == ["now EXPIRED", "now PARTIALLY_REFUNDED"]
    assert statuses(lost)[0] == OrderStatus.PENDING
    run()
    assert statuses(lost) == [OrderStatus.COMPLETED, OrderStatus.EXPIRED, OrderStatus.PARTIALLY_REFUNDED]


def test_stripe_away_is_an_error_of_its_own(shop: Shop, settings: object) -> None:
    """Exit code 2: nobody can say whether something is off. REQ PA-08."""
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    with pytest.raises(CommandError) as refused:
        call_command("reconcile_payments")
    assert refused.value.returncode == 2


def test_the_proof_tells_every_difference(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Ledger = orders = Stripe: silent when they agree, exact when they do not. REQ PA-12."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    apply_order(order.pk, now=clock.now())
    since, later = clock.now() - timedelta(hours=1), clock.now() + timedelta(minutes=11)
    assert prove(since=since, now=later) == []

    LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).update(amount=1)
    told = {(one.what, one.ours, one.theirs) for one in prove(since=since, now=later)}
    assert told == {("charges of the ledger, USD", 1999, 1), ("charge differs", 1, 1999)}
    Order.objects.update(paid_amount=1, state=OrderState.EXPIRED)
    assert ("money kept for nothing, USD", 1, 0) in {
        (one.what, one.ours, one.theirs) for one in prove(since=since, now=later)
    }
    gateway.breaker.reset()


def test_every_day_lost_webhooks_are_repaired_and_the_books_proved(
    shop: Shop, lost: list[Order], caplog: pytest.LogCaptureFixture
) -> None:
    """What beat starts repairs and then proves; an order whose payment is not what the ledger says is an error, named
    with both amounts, counted, and left for people. REQ PA-08 PA-12."""
    assert reconcile_daily() == 3
    assert statuses(lost) == [OrderStatus.COMPLETED, OrderStatus.EXPIRED, OrderStatus.PARTIALLY_REFUNDED]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert reconcile_daily() == 0

    wrong = Order.objects.filter(pk=lost[0].pk)
    wrong.update(paid_amount=1998)
    assert reconcile_daily() == 1
    [error] = [record.msg for record in caplog.records if record.levelno >= logging.ERROR]
    assert isinstance(error, dict)
    told = {"event": "books differ", "what": "charges of the ledger, USD", "subject": lost[0].number}
    assert error.items() >= (told | {"ours": 1998, "theirs": 1999}).items()
    assert wrong.get().paid_amount == 1998
