"""Selling on when somebody archived at Stripe what is sold."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from common import clock
from payments import gateway
from payments.errors import CheckoutRefused, PaymentProviderUnavailable
from payments.gateway.calls import call
from payments.models import Order, OrderState, Payment, StripeOperation
from payments.services.checkout import open_checkout
from payments.services.reading import find_sessions
from payments.tests.factories import Shop, buy, make_shop, place
from payments.tests.goods import Goods
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

Race = Callable[[int, Callable[[int], Any]], list[Any]]


def archive(shop: Shop, what: str) -> None:
    """Archive what was listed last, as somebody does in Stripe's dashboard."""
    listed = shop.goods.listed[-1]
    if what == "price":
        call(lambda client: client.v1.prices.update(listed["price_id"], {"active": False}))
    else:
        call(lambda client: client.v1.products.update(listed["product_id"], {"active": False}))


def products() -> int:
    return len(call(lambda client: client.v1.products.list({"limit": 100})).data)


def posts(sandbox: SandboxProcess) -> list[str]:
    """Return what was asked of Stripe, the latest first."""
    asked = sandbox.control("requests")["requests"]
    return [entry["path"].rpartition("/")[2] for entry in asked if entry["method"] == "POST"]


@pytest.mark.parametrize("what", ["price", "product"])
def test_what_was_archived_is_listed_once_more(shop: Shop, stripe_sandbox: SandboxProcess, what: str) -> None:
    """The same purchase goes on with a new price, later ones ask for nothing but the session. REQ OF-05 PA-02."""
    buy(shop)
    archive(shop, what)
    order, opened = buy(shop)
    assert (order.state, shop.stock()) == (OrderState.OPEN, (2, 0))
    assert [found.id for found in find_sessions(order, now=clock.now())] == [opened.checkout_session_id]
    assert posts(stripe_sandbox)[:4] == ["sessions", "prices", "products", "sessions"]
    buy(shop)
    assert posts(stripe_sandbox)[:2] == ["sessions", "sessions"]


def test_a_price_that_is_set_back_to_an_archived_one_is_sold(
    shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The kept answer of long ago is the archived price; it is not the end. REQ OF-05."""
    buy(shop)
    archive(shop, "price")
    first = shop.price
    shop.price = first * 2
    buy(shop)
    shop.price = first
    assert buy(shop)[0].state == OrderState.OPEN


def test_many_who_meet_it_at_once_list_one(
    goods: Goods, stripe_sandbox: SandboxProcess, race: Race, transactional_db: None
) -> None:
    """Each has a session of its own, and they share the one new product. REQ OF-13 PA-02."""
    shop = make_shop(goods)
    buy(shop)
    archive(shop, "price")
    orders = [place(shop) for _ in range(4)]
    race(4, lambda number: open_checkout(orders[number].pk, now=clock.now()))
    assert {order.state for order in Order.objects.all()} == {OrderState.OPEN}
    assert (products(), StripeOperation.objects.get(operation="product").attempt) == (2, 2)


def test_who_meets_it_later_sells_what_is_listed_by_then(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Their request names the archived price still; the new listing is not forgotten for that. REQ OF-13 PA-02."""
    buy(shop)
    late = place(shop)
    archive(shop, "price")
    buy(shop)
    open_checkout(late.pk, now=clock.now())
    assert (Order.objects.get(pk=late.pk).state, products()) == (OrderState.OPEN, 2)
    assert StripeOperation.objects.get(operation="product").attempt == 2


def test_a_second_refusal_ends_it(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed anew once only; then the goods go back. REQ OF-05."""
    keys: list[str] = []

    def refused(params: Mapping[str, Any], *, key: str) -> Any:
        keys.append(key)
        raise gateway.Refused("Only active prices", param="line_items[0][price]")

    monkeypatch.setattr(gateway, "create_session", refused)
    with pytest.raises(CheckoutRefused):
        buy(shop)
    assert (len(keys), len(set(keys)), shop.stock()) == (2, 2, (0, 0))


def test_other_refusals_list_nothing(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong address of the buyer is not the price's fault. REQ OF-05."""

    def refused(params: Mapping[str, Any], *, key: str) -> Any:
        raise gateway.Refused("Invalid email address", param="customer_email")

    monkeypatch.setattr(gateway, "create_session", refused)
    with pytest.raises(CheckoutRefused):
        buy(shop)
    assert products() == 1


def test_what_was_sent_before_keeps_its_key(shop: Shop, stripe_sandbox: SandboxProcess) -> None:
    """Nobody knows what the first sending came to: under another key there could be two sessions. REQ OF-13."""
    buy(shop)
    order = place(shop)
    archive(shop, "price")
    Payment.objects.filter(order=order).update(sends=1)
    key = order.payments.get().idempotency_key
    with pytest.raises(PaymentProviderUnavailable):
        open_checkout(order.pk, now=clock.now())
    assert (order.payments.get().idempotency_key, shop.stock()) == (key, (2, 0))


def test_an_answer_lost_after_the_new_listing_is_found_again(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new key is kept before it is sent, so the same call goes on with its session. REQ OF-13 PA-02."""
    buy(shop)
    archive(shop, "product")
    order, real = place(shop), gateway.create_session

    def lost(params: Mapping[str, Any], *, key: str) -> Any:
        real(params, key=key)
        raise gateway.Unknown("The answer was lost")

    with monkeypatch.context() as cut:
        cut.setattr(gateway, "create_session", lost)
        with pytest.raises(PaymentProviderUnavailable):
            open_checkout(order.pk, now=clock.now())
    opened = open_checkout(order.pk, now=clock.now())
    assert [found.id for found in find_sessions(order, now=clock.now())] == [opened.checkout_session_id]
