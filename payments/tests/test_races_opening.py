"""Races round the opening of a checkout.

Each of the design's list, over real HTTP with the sandbox's faults.
"""

from datetime import timedelta

import pytest

from common import clock
from common.errors import Busy, Failure
from payments import gateway
from payments.errors import CheckoutClosed, CheckoutRefused, PaymentProviderUnavailable
from payments.models import Order, OrderState, Payment, StripeOperation
from payments.services import checkout, holds
from payments.services.applying import apply_order
from payments.services.checkout import open_checkout
from payments.services.reading import find_sessions
from payments.tests.factories import Shop, buy, make_shop, pay, place, row_held, work_money
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/checkout/sessions"


def fault(sandbox: SandboxProcess, mode: str, times: int | None = 1, prefix: str = SESSIONS) -> None:
    sandbox.control("faults", api=mode, times=times, path_prefix=prefix, method="POST")


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_create_timed_out_keeps_the_hold_and_the_same_key_resumes(
    shop: Shop, stripe_sandbox: SandboxProcess, settings: object
) -> None:
    """An answer that never came keeps the goods; the repetition gets the one session.

    REQ OF-05 OF-13 PA-01.
    """
    settings.STRIPE_TIMEOUT_SECONDS = 3.0  # type: ignore[attr-defined]
    order = place(shop)
    fault(stripe_sandbox, "timeout_after_commit", None)
    with pytest.raises(PaymentProviderUnavailable) as refused:
        open_checkout(order.pk, now=clock.now())
    assert refused.value.retryable
    assert fresh(order).state == OrderState.SESSION_PENDING
    assert shop.stock() == (1, 0)

    stripe_sandbox.control("faults", reset=True)
    gateway.breaker.reset()
    opened = open_checkout(order.pk, now=clock.now())
    assert [found.id for found in find_sessions(order, now=clock.now())] == [opened.checkout_session_id]


def test_cut_after_commit_is_resolved_by_the_job(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Nobody calls again: the job finds the session that was made. REQ OF-13 PA-01."""
    order = place(shop)
    fault(stripe_sandbox, "cut_after_commit", 3)
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    work_money(clock.now() + timedelta(seconds=30))
    assert fresh(order).state == OrderState.OPEN
    assert len(find_sessions(order, now=clock.now())) == 1


@pytest.mark.parametrize(("mode", "sessions"), [("500", 1), ("500_after_commit", 1)])
def test_create_answered_500_is_looked_up_before_a_new_key(
    shop: Shop, stripe_sandbox: SandboxProcess, mode: str, sessions: int
) -> None:
    """Stripe repeats a 500 under its key: the session is looked up, else a new attempt takes a new key.

    REQ PA-02.
    """
    order = place(shop)
    fault(stripe_sandbox, mode)
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    opened = open_checkout(order.pk, now=clock.now())
    assert [found.id for found in find_sessions(order, now=clock.now())] == [opened.checkout_session_id]
    attempts = Payment.objects.filter(order=order).order_by("attempt")
    assert len({payment.idempotency_key for payment in attempts}) == (2 if mode == "500" else 1)
    pay(stripe_sandbox, opened)
    assert apply_order(order.pk, now=clock.now()).state == OrderState.PAID
    assert shop.stock() == (0, 1)


def test_429_releases_and_may_be_repeated(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Nothing happened at Stripe: the goods go back at once. REQ OF-05."""
    order = place(shop)
    fault(stripe_sandbox, "429", None, prefix="/v1/")
    with pytest.raises(CheckoutRefused) as refused:
        open_checkout(order.pk, now=clock.now())
    assert refused.value.retryable
    assert (fresh(order).state, shop.stock()) == (OrderState.FAILED, (0, 0))


def test_a_400_releases_and_is_final(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe said no: the goods go back, and the same request never passes. REQ OF-05."""
    order = place(shop)
    payment = Payment.objects.get(order=order)
    payment.request["session"]["success_url"] = "not an address"
    payment.save()
    with pytest.raises(CheckoutRefused) as refused:
        open_checkout(order.pk, now=clock.now())
    assert refused.value.retryable is False
    assert (fresh(order).state, shop.stock()) == (OrderState.FAILED, (0, 0))


def test_nothing_sent_releases(shop: Shop, settings: object, stripe_sandbox: SandboxProcess) -> None:
    """No connection at all: nothing was sent, so the goods go back. REQ OF-05 PA-01."""
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    order = place(shop)
    with pytest.raises(CheckoutRefused) as refused:
        open_checkout(order.pk, now=clock.now())
    assert refused.value.retryable
    assert shop.stock() == (0, 0)


def test_refusal_after_an_unknown_sending_releases_nothing(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """A 429 now says nothing of the session that an earlier sending may have made. REQ OF-13."""
    order = place(shop)
    fault(stripe_sandbox, "cut_after_commit", 3)
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    fault(stripe_sandbox, "429", 1)
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    assert (fresh(order).state, shop.stock()) == (OrderState.SESSION_PENDING, (1, 0))


def test_killed_after_reserve_ends_with_the_hold(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """A process that died before it asked Stripe leaves no session: the sweeper looks, then releases.

    REQ OF-13.
    """
    order = place(shop)
    later = order.hold_expires_at + timedelta(seconds=1)  # type: ignore[operator]
    work_money(later)
    assert (fresh(order).state, shop.stock()) == (OrderState.EXPIRED, (0, 0))


def test_killed_after_sending_ends_with_the_hold_and_closes_the_session(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """A session whose creation nobody saw end is found, closed and its goods released. REQ OF-13 OF-08."""
    order = place(shop)
    fault(stripe_sandbox, "cut_after_commit", 3)
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    Order.objects.filter(pk=order.pk).update(state=OrderState.RESERVED)
    holds.expire_hold(order.pk, now=order.hold_expires_at)  # type: ignore[arg-type]
    assert (fresh(order).state, shop.stock()) == (OrderState.EXPIRED, (0, 0))
    assert [found.status for found in find_sessions(order, now=clock.now())] == ["expired"]


def test_hold_lost_while_the_session_was_made_is_never_told(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order ended during the call: the new session is closed, its address goes to nobody. REQ OF-08."""
    order = place(shop)
    create = gateway.create_session

    def slow(params: dict[str, object], *, key: str) -> gateway.SessionView:
        session = create(params, key=key)
        Payment.objects.filter(order=order).update(sends=0)
        holds.expire_hold(order.pk, now=order.hold_expires_at)  # type: ignore[arg-type]
        return session

    monkeypatch.setattr(checkout.gateway, "create_session", slow)
    with pytest.raises(CheckoutClosed):
        open_checkout(order.pk, now=clock.now())
    work_money()
    assert [found.status for found in find_sessions(order, now=clock.now())] == ["expired"]
    assert shop.stock() == (0, 0)


def test_double_click_on_one_order_makes_one_session(
    goods: Goods, stripe_sandbox: SandboxProcess, race: object, transactional_db: None
) -> None:
    """Two openings of one order at once share key, parameters, session, product and price.

    REQ OF-13 PA-02.
    """
    shop = make_shop(goods)
    order = place(shop)
    answers = race(4, lambda _: open_checkout(order.pk, now=clock.now()))  # type: ignore[operator]
    opened = {a.checkout_session_id for a in answers if not isinstance(a, Exception)}
    assert all(isinstance(answer, Failure) for answer in answers if isinstance(answer, Exception))
    assert opened == {session.id for session in find_sessions(order, now=clock.now())}
    assert len(opened) == 1
    assert sorted(StripeOperation.objects.values_list("operation", flat=True)) == ["price", "product"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", ["goods", "order", "payment"])
def test_a_lock_that_is_not_had_is_busy_and_the_same_call_goes_on(
    shop: Shop, stripe_sandbox: SandboxProcess, held: str
) -> None:
    """Whichever row others hold: 503 `busy`, the hold stays, and the repetition ends with one session."""
    order = place(shop)
    rows = {"goods": shop.tier, "order": order, "payment": order.payments.get()}
    with row_held(rows[held]), pytest.raises(Busy):
        open_checkout(order.pk, now=clock.now())
    assert (fresh(order).state, shop.stock()) == (OrderState.RESERVED, (1, 0))
    opened = open_checkout(order.pk, now=clock.now())
    sessions = find_sessions(order, now=clock.now())
    assert [session.id for session in sessions] == [opened.checkout_session_id]
    assert (fresh(order).state, Payment.objects.filter(order=order).count()) == (OrderState.OPEN, 1)


def test_price_edit_makes_a_new_price_of_the_same_product(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """The product is made once, a price for each amount; old sessions keep theirs. REQ OF-05."""
    buy(shop)
    shop.price = shop.price * 2
    buy(shop)
    buy(shop)
    assert len(shop.goods.listed) == 2
    assert len({listed["product_id"] for listed in shop.goods.listed}) == 1
    assert len({listed["price_id"] for listed in shop.goods.listed}) == 2
