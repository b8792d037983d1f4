"""What a buyer reads when Stripe does not open a checkout: first of all that nothing was charged."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from offers.models import Offer
from offers.tests.factories import Door, make_offer, stock
from payments import gateway
from payments.gateway.transport import RETRY_SLEEPS_SECONDS
from payments.models import Order
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

_SILENT = "The payment provider did not answer; your card has not been charged, please try again"
_REFUSED = "The payment provider refused to open the checkout; your card has not been charged"


@pytest.fixture(autouse=True)
def _closed_breaker() -> Iterator[None]:
    """Leave no failures to the tests that follow."""
    gateway.breaker.reset()
    yield
    gateway.breaker.reset()


def by_rest(person: Door, offer: Offer) -> tuple[str, dict[str, Any]]:
    """Buy in vain, and return the words that a page shows, and the problem."""
    answer = person.buy(offer)
    assert answer.status_code == 503
    return answer.json()["detail"], answer.json()


def by_graphql(person: Door, offer: Offer) -> tuple[str, dict[str, Any]]:
    """Buy in vain at the other door, and return the same."""
    query = f'mutation {{ purchaseOffer(offerId: "{offer.pk}", quantity: 1) {{ expiresAt }} }}'
    body = json.dumps({"query": query})
    (error,) = person.client.post("/graphql", body, content_type="application/json").json()["errors"]
    return error["message"], error["extensions"]


@pytest.mark.parametrize("buy", [by_rest, by_graphql], ids=["REST", "GraphQL"])
@pytest.mark.parametrize(
    ("fault", "words", "held"), [("timeout", _SILENT, 1), ("429", _REFUSED, 0)], ids=["timeout", "429"]
)
def test_a_buyer_is_told_that_the_card_has_not_been_charged(
    stripe_sandbox: SandboxProcess,
    settings: Settings,
    buy: Callable[[Door, Offer], tuple[str, dict[str, Any]]],
    fault: str,
    words: str,
    held: int,
) -> None:
    """In the same words at both doors, with `retryable`; and it is true: nothing was paid. REQ PA-01,
    OF-05.
    """
    settings.STRIPE_TIMEOUT_SECONDS = RETRY_SLEEPS_SECONDS + 1.0
    offer, person = make_offer(units=5), Door()
    stripe_sandbox.control("faults", api=fault, times=None, path_prefix="/v1/", method="POST")
    said, problem = buy(person, offer)
    assert said == words
    assert (problem["code"], problem["retryable"]) == ("payment_provider_unavailable", True)
    assert stock(offer) == (held, 0)
    order = Order.objects.get()
    assert (order.paid_amount, order.paid_at, order.ledger.count()) == (0, None, 0)
