"""What Stripe's page calls an offer that is renamed between two sales."""

from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen

import pytest

from accounts.tests.factories import make_member
from offers.models import Offer
from offers.tests.factories import Door, make_offer
from payments import gateway
from payments.models import Order
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

OLD, NEW = "Two-day pass", "One-day pass"


def bought(offer: Offer) -> tuple[Order, str]:
    """Buy it by the public door; return the order and Stripe's page."""
    answer = Door().buy(offer)
    assert answer.status_code == 201, answer.json()
    with urlopen(answer.json()["stripe_checkout_url"]) as page:  # noqa: S310 - our own stand-in
        return Order.objects.get(pk=answer.json()["order"]["id"]), page.read().decode()


def sent(sandbox: SandboxProcess) -> list[str]:
    """Return what was asked of Stripe, the latest first."""
    return [entry["path"].rpartition("/")[2] for entry in sandbox.control("requests")["requests"]]


def test_a_renamed_offer_is_sold_by_its_new_name(stripe_sandbox: SandboxProcess) -> None:
    """Page and order say what the offer is called now, and renaming it back makes nothing anew. REQ OF-05."""
    offer = make_offer(price=1999, title=OLD)
    owner = Door(make_member("owner", organization=offer.event.organization))
    bought(offer)
    owner.send("patch", f"offers/{offer.pk}", {"title": NEW})
    order, page = bought(offer)
    assert (order.title, NEW in page, OLD in page) == (NEW, True, False)
    owner.send("patch", f"offers/{offer.pk}", {"title": OLD})
    order, page = bought(offer)
    assert (order.title, NEW in page, OLD in page) == (OLD, False, True)


def test_only_the_first_sale_under_a_name_lists_it(stripe_sandbox: SandboxProcess) -> None:
    """Every other purchase asks one thing of Stripe, the session. REQ OF-05."""
    offer = make_offer(price=1999, title=OLD)
    bought(offer)
    Offer.objects.filter(pk=offer.pk).update(title=NEW)
    bought(offer)
    before = len(sent(stripe_sandbox))
    bought(offer)
    assert sent(stripe_sandbox)[: len(sent(stripe_sandbox)) - before] == ["sessions"]
    assert sent(stripe_sandbox)[:7] == ["sessions", *["sessions", "prices", "products"] * 2]


def test_a_price_that_comes_back_while_it_is_listed_brings_no_old_name(
    stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product that is remembered without its price would vouch for the price of the old name. REQ OF-05."""
    offer = make_offer(price=1999, title=OLD)
    bought(offer)
    Offer.objects.filter(pk=offer.pk).update(title=NEW, price_amount=3000)
    listed = gateway.create_price

    def slowly(params: Mapping[str, Any], *, key: str) -> str:
        Offer.objects.filter(pk=offer.pk).update(price_amount=1999)
        return listed(params, key=key)

    with monkeypatch.context() as slow:
        slow.setattr(gateway, "create_price", slowly)
        bought(offer)
    order, page = bought(offer)
    assert (order.unit_amount, NEW in page, OLD in page) == (1999, True, False)


def test_a_product_whose_making_was_answered_by_a_500_is_no_second_one(
    stripe_sandbox: SandboxProcess,
) -> None:
    """The next key finds what the first one made, under our own id. REQ PA-02."""
    offer, door = make_offer(price=1999), Door()
    stripe_sandbox.control("faults", api="500_after_commit", times=1, path_prefix="/v1/products")
    assert door.buy(offer).status_code == 503
    assert door.buy(offer).status_code == 201
    offer.refresh_from_db()
    assert offer.stripe_product_id == f"offer_{offer.pk}_{offer.stripe_product_id[-16:]}"
