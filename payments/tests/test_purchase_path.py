"""The straight way: reserve, open, pay, settle, over real HTTP with the sandbox."""

import pytest

from common import clock
from payments.models import LedgerKind, Order, OrderState, OrderStatus, Payment, PaymentStatus
from payments.services.applying import apply_order
from payments.services.checkout import open_checkout
from payments.tests.factories import Shop, buy, pay
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db


def test_paid_order_gives_the_goods_and_enters_charge_and_fee(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """A paid session settles the order once: stock sold, charge and fee in the ledger.

    REQ OF-05 PA-04 PA-06.
    """
    order, opened = buy(shop, quantity=2)
    assert order.state == OrderState.OPEN
    assert str(opened.url).startswith(stripe_sandbox.base_url)
    assert opened.expires_at == order.hold_expires_at
    assert shop.stock() == (2, 0)
    pay(stripe_sandbox, opened)

    for _ in range(2):
        order = apply_order(order.pk, now=clock.now())

    assert (order.status, order.paid_amount) == (OrderStatus.COMPLETED, 3998)
    assert shop.stock() == (0, 2)
    payment = Payment.objects.get(order=order)
    assert (payment.status, payment.brand, payment.last4) == (PaymentStatus.SUCCEEDED, "visa", "4242")
    assert [entry.kind for entry in order.ledger.order_by("kind")] == [LedgerKind.CHARGE, LedgerKind.FEE]


def test_opening_twice_gives_the_same_session(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A checkout that is open is resumed, not made again. REQ OF-13."""
    order, opened = buy(shop)
    assert open_checkout(order.pk, now=clock.now()) == opened
    assert Order.objects.get(pk=order.pk).state == OrderState.OPEN
