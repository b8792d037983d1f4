"""Buying an offer at the REST door, with the sandbox behind it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import _queries

from common.statements import COMMIT_EARLY, WAIT_FOR_DISK
from offers.models import Offer
from offers.services import writing
from offers.tests.factories import Door, make_offer, settle, stock
from payments import gateway
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

_FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK", COMMIT_EARLY, WAIT_FOR_DISK)


def test_buying_answers_where_to_pay_and_holds_the_units(stripe_sandbox: SandboxProcess) -> None:
    """The answer has the shape of the contract, and the units are held. REQ OF-05."""
    door, offer = Door(), make_offer(units=5)
    response = door.buy(offer, quantity=2)
    answer = response.json()
    assert response.status_code == 201, answer
    assert answer["checkout_session_id"].startswith("cs_")
    assert answer["stripe_checkout_url"].startswith(stripe_sandbox.base_url)
    assert answer["expires_at"] is not None
    assert answer["order"]["status"] == "PENDING"
    assert answer["order"]["total_amount"] == {"amount": 3998, "currency": "USD"}
    assert stock(offer) == (2, 0)


def test_paying_gives_the_access_code(stripe_sandbox: SandboxProcess) -> None:
    """A paid order is complete, its units sold, and the code is there. REQ OF-05, OF-11."""
    door, offer = Door(), make_offer(units=5, content_url="https://content.test/film")
    answer = door.buy(offer).json()
    settle(stripe_sandbox, answer, door)
    assert stock(offer) == (0, 1)
    order = door.get(f"orders/{answer['order']['id']}").json()
    assert order["status"] == "COMPLETED"
    given = order["items"][0]
    assert given["fulfillment_status"] == "FULFILLED"
    assert given["fulfillment"]["access_url"] == "https://content.test/film"
    assert len(given["fulfillment"]["access_code"].replace("-", "")) == 16


def test_no_quantity_is_no_purchase() -> None:
    """A quantity of null is refused by GraphQL's types, and nothing is held. REQ OF-02, GQ-01."""
    door, offer = Door(), make_offer(units=5)
    query = "mutation($id: ID!, $n: Int) { purchaseOffer(offerId: $id, quantity: $n) { expiresAt } }"
    body = {"query": query, "variables": {"id": str(offer.pk), "n": None}}
    answer = door.client.post("/graphql", body, content_type="application/json").json()
    assert answer["errors"][0]["extensions"]["code"] == "graphql_invalid"
    assert stock(offer) == (0, 0)


def _by_rest(buyer: Door, offer: Offer) -> None:
    assert buyer.buy(offer, key="second").status_code == 201


def _by_graphql(buyer: Door, offer: Offer) -> None:
    query = "mutation($id: ID!) { purchaseOffer(offerId: $id) { stripeCheckoutUrl order { id status } } }"
    body, key = {"query": query, "variables": {"id": str(offer.pk)}}, {"Idempotency-Key": "second"}
    answer = buyer.client.post("/graphql", body, content_type="application/json", headers=key).json()
    assert answer["data"]["purchaseOffer"]["stripeCheckoutUrl"]


@pytest.mark.parametrize("buy", [_by_rest, _by_graphql])
def test_a_purchase_costs_at_most_twelve_statements(
    stripe_sandbox: SandboxProcess, buy: Callable[[Door, Offer], None]
) -> None:
    """The whole request of a known offer, with its key, stays within the budget. REQ OF-05 (query budget).

    A newcomer's does with the frames of its transactions as well; who has bought before is looked at once more.
    """
    door, newcomer, offer = Door(), Door(), make_offer(units=50)
    # The first of all makes the price at Stripe, which changes the offer; from the fourth on what was seen stands.
    for buyer in (door, Door(), Door()):
        assert buyer.buy(offer, key="first").status_code == 201
    for buyer, frames in ((newcomer, ()), (door, _FRAME)):
        with CaptureQueriesContext(connection) as captured:
            buy(buyer, offer)
        statements = [query["sql"] for query in captured]
        counted = [sql for sql in statements if not sql.startswith(frames)]
        print(f"purchase: {len(counted)} of {len(statements)} statements counted")  # noqa: T201
        assert len(counted) <= 12, "\n".join(sql[:150] for sql in counted)


def test_a_sale_unlocks_its_offer_early_and_waits_for_the_disk(
    stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lock and rows stand between an early commit and the wait for the disk; Stripe is asked after it. REQ OF-05."""
    door, offer, asked = Door(), make_offer(units=50), []
    create = gateway.create_session

    def note(*args: Any, **kwargs: Any) -> Any:
        asked.append([query["sql"] for query in captured])
        return create(*args, **kwargs)

    monkeypatch.setattr(gateway, "create_session", note)
    with CaptureQueriesContext(connection) as captured:
        assert door.buy(offer).status_code == 201
    (statements,) = asked
    start = statements.index(COMMIT_EARLY)
    lock, write, wait = statements[start + 1 : start + 4]
    assert lock.endswith("FOR UPDATE OF o")
    assert (write, wait) == (writing._WRITE, WAIT_FOR_DISK)


def test_the_statement_that_sells_is_read_once_by_the_driver(
    stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psycopg remembers how it read a text of up to 4,096 characters and 50 parameters.

    Past either it takes the text apart again each time, while everybody waits for the offer's lock.
    """
    sent: list[tuple[str, Any]] = []
    run = writing.statements.run

    def noting(sql: str, params: Any) -> Any:
        sent.append((sql, params))
        return run(sql, params)

    monkeypatch.setattr(writing.statements, "run", noting)
    assert Door().buy(make_offer(units=5)).status_code == 201
    [values] = [params for sql, params in sent if sql is writing._WRITE]
    assert len(writing._WRITE) <= _queries.MAX_CACHED_STATEMENT_LENGTH == 4096
    assert len(values) <= _queries.MAX_CACHED_STATEMENT_PARAMS == 50
