"""REST and GraphQL: one table of cases, the same answers and the same refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer, make_membership, make_superuser, make_user
from common import clock
from payments.models import Order, OrderState, Refund
from payments.services.applying import apply_order
from payments.tests.factories import Shop, buy, pay, work_money
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

ORDER_FIELDS = """id orderNumber status currency
    totalAmount {amount currency} refundedAmount {amount currency}
    items {title quantity unitAmount {amount currency} fulfillmentStatus fulfillment}
    payment {status methodType brand last4}
    refunds {id orderId status amount {amount currency} reason restockUnits createdAt}
    expiresAt stripeCheckoutUrl createdAt"""


def graphql(client: Client, user: User | None, query: str, **variables: Any) -> dict[str, Any]:
    headers = bearer(user) if user else {}
    body = {"query": query, "variables": variables}
    answer: dict[str, Any] = client.post(
        "/graphql", body, content_type="application/json", headers=headers
    ).json()
    return answer


def snake(value: Any) -> Any:
    """Return a GraphQL answer in REST's words."""
    if isinstance(value, list):
        return [snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in name): snake(one)
        for name, one in value.items()
    }


@pytest.fixture
def paid(shop: Shop, stripe_sandbox: SandboxProcess) -> Order:
    """Give an order of two units at 19.99 USD that is paid."""
    order, opened = buy(shop, quantity=2)
    pay(stripe_sandbox, opened)
    return apply_order(order.pk, now=clock.now())


People = Callable[[Shop], User | None]
PEOPLE: dict[str, tuple[People, int, str]] = {
    "buyer": (lambda shop: shop.buyer, 200, ""),
    "staff": (lambda shop: make_membership("staff", organization=shop.organization).user, 200, ""),
    "superuser": (lambda shop: make_superuser(), 200, ""),
    "analyst": (
        lambda shop: make_membership("analyst", organization=shop.organization).user,
        403,
        "forbidden",
    ),
    "stranger": (lambda shop: make_user(), 404, "not_found"),
    "owner of another organization": (lambda shop: make_membership("owner").user, 404, "not_found"),
    "nobody": (lambda shop: None, 401, "unauthenticated"),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_an_order_is_shown_to_whom_it_concerns_on_both_doors(
    client: Client, shop: Shop, paid: Order, who: str
) -> None:
    """The buyer and members who may view orders see the same on REST and GraphQL; others nothing.

    REQ PA-06 EV-03.
    """
    make, status, code = PEOPLE[who]
    user = make(shop)
    headers = bearer(user) if user else {}
    for path, query, variable in (
        (
            f"orders/{paid.pk}",
            f"query($v: ID!) {{ found: order(id: $v) {{ {ORDER_FIELDS} }} }}",
            str(paid.pk),
        ),
        (
            f"orders/by-number/{paid.number.lower()}/",
            f"query($v: String!) {{ found: orderByNumber(number: $v) {{ {ORDER_FIELDS} }} }}",
            f" {paid.number.lower()} ",
        ),
    ):
        rest = client.get(f"/api/v1/{path}", headers=headers)
        told = graphql(client, user, query, v=variable)
        assert rest.status_code == status
        if code:
            assert rest.json()["code"] == told["errors"][0]["extensions"]["code"] == code
            assert told["data"]["found"] is None
        else:
            assert snake(told["data"]["found"]) == rest.json()


def test_an_order_says_what_the_contract_says(client: Client, shop: Shop, paid: Order) -> None:
    """Every field of the contract, exact. REQ PA-06."""
    found = client.get(f"/api/v1/orders/{paid.pk}", headers=bearer(shop.buyer)).json()
    assert found == {
        "id": str(paid.pk),
        "order_number": paid.number,
        "status": "COMPLETED",
        "total_amount": {"amount": 3998, "currency": "USD"},
        "refunded_amount": {"amount": 0, "currency": "USD"},
        "currency": "USD",
        "items": [
            {
                "title": "Backstage video",
                "quantity": 2,
                "unit_amount": {"amount": 1999, "currency": "USD"},
                "fulfillment_status": None,
                "fulfillment": None,
            }
        ],
        "payment": {"status": "SUCCEEDED", "method_type": "card", "brand": "visa", "last4": "4242"},
        "refunds": [],
        "expires_at": None,
        "stripe_checkout_url": None,
        "created_at": found["created_at"],
    }


REFUND = """mutation($o: ID!, $a: Int, $r: String!, $u: Int) {
    found: refundOrder(orderId: $o, amount: $a, reason: $r, restockUnits: $u) {
        id orderId status amount {amount currency} reason restockUnits createdAt } }"""
REFUNDS: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "full": ({"reason": "Ill"}, "owner", 201, ""),
    "partial with a unit": ({"amount": 1999, "reason": "Ill", "restock_units": 1}, "admin", 201, ""),
    "too much": ({"amount": 3999, "reason": "Ill"}, "owner", 400, "invalid"),
    "no reason": ({"reason": "  "}, "owner", 400, "invalid"),
    "too many units": ({"amount": 1, "reason": "Ill", "restock_units": 3}, "owner", 400, "invalid"),
    "by staff": ({"reason": "Ill"}, "staff", 403, "forbidden"),
    "by a stranger": ({"reason": "Ill"}, "", 404, "not_found"),
}


@pytest.mark.parametrize("case", REFUNDS)
@pytest.mark.parametrize("door", ["rest", "graphql"])
def test_refunds_are_the_same_on_both_doors(
    client: Client, shop: Shop, paid: Order, case: str, door: str
) -> None:
    """One table of cases: the same rows, codes and refusals, and a refused one changes nothing. REQ PA-07."""
    body, role, status, code = REFUNDS[case]
    user = make_membership(role, organization=shop.organization).user if role else make_user()
    if door == "rest":
        answer = client.post(
            f"/api/v1/orders/{paid.pk}/refunds", body, content_type="application/json", headers=bearer(user)
        )
        assert answer.status_code == status
        found, told = answer.json(), answer.json().get("code", "")
    else:
        variables = {
            "o": str(paid.pk),
            "a": body.get("amount"),
            "r": body["reason"],
            "u": body.get("restock_units"),
        }
        result = graphql(client, user, REFUND, **variables)
        told = result["errors"][0]["extensions"]["code"] if "errors" in result else ""
        found = snake(result["data"]["found"]) if not told else {}
    assert told == code
    assert Refund.objects.count() == (0 if code else 1)
    if not code:
        refund = Refund.objects.get()
        assert found == {
            "id": str(refund.pk),
            "order_id": str(paid.pk),
            "status": "PENDING",
            "amount": {"amount": body.get("amount", 3998), "currency": "USD"},
            "reason": "Ill",
            "restock_units": body.get("restock_units", 2),
            "created_at": found["created_at"],
        }


def test_a_refund_is_made_once_for_each_key(client: Client, shop: Shop, paid: Order) -> None:
    """The same key and body give the same answer, another body is refused. REQ PA-07 OF-06."""
    user = make_membership("owner", organization=shop.organization).user
    headers = bearer(user) | {"Idempotency-Key": "intent-1"}

    def ask(amount: int) -> Any:
        body = {"amount": amount, "reason": "Ill"}
        url = f"/api/v1/orders/{paid.pk}/refunds"
        return client.post(url, body, content_type="application/json", headers=headers)

    first, again, other = ask(500), ask(500), ask(600)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert Refund.objects.count() == 1


def test_the_buyer_cancels_an_open_checkout(
    client: Client, shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Its page is closed at Stripe and the units are free at once; a second time is a conflict. REQ OF-08."""
    order, _ = buy(shop)
    url = f"/api/v1/orders/{order.pk}/cancel"
    assert client.post(url, headers=bearer(make_user())).status_code == 404
    assert (shop.stock(), Order.objects.get(pk=order.pk).state) == ((1, 0), OrderState.OPEN)
    answer = client.post(url, headers=bearer(shop.buyer))
    assert (answer.status_code, answer.json()["status"], shop.stock()) == (200, "CANCELLED", (0, 0))
    again = client.post(url, headers=bearer(shop.buyer))
    assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")


def test_cancelling_loses_against_a_payment(
    client: Client, shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """Paid a moment before: settled, and the buyer is told. REQ OF-08."""
    order, opened = buy(shop)
    pay(stripe_sandbox, opened)
    answer = client.post(f"/api/v1/orders/{order.pk}/cancel", headers=bearer(shop.buyer))
    assert (answer.status_code, shop.stock()) == (409, (0, 1))


def test_cancelling_goes_on_when_stripe_is_away(
    client: Client, shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The answer never came: the units stay held until the job closed the page. REQ OF-08."""
    order, _ = buy(shop)
    stripe_sandbox.control("faults", api="500", times=3, path_prefix="/v1/checkout/sessions", method="POST")
    answer = client.post(f"/api/v1/orders/{order.pk}/cancel", headers=bearer(shop.buyer))
    assert (answer.status_code, answer.json()["status"], shop.stock()) == (200, "PENDING", (1, 0))
    stripe_sandbox.control("faults", reset=True)
    work_money()
    assert (Order.objects.get(pk=order.pk).status, shop.stock()) == ("CANCELLED", (0, 0))


def test_coming_back_settles_without_a_webhook(
    client: Client, shop: Shop, stripe_sandbox: SandboxProcess
) -> None:
    """The return page shows what is true now; an order that is open shows where to pay. REQ OF-05."""
    order, opened = buy(shop)
    url = f"/api/v1/orders/{order.pk}"
    found = client.get(url, headers=bearer(shop.buyer)).json()
    assert (found["status"], found["stripe_checkout_url"]) == ("PENDING", opened.url)
    pay(stripe_sandbox, opened)
    body = {"session_id": opened.checkout_session_id}
    answer = client.post(f"{url}/return", body, content_type="application/json", headers=bearer(shop.buyer))
    assert (answer.status_code, answer.json()["status"], shop.stock()) == (200, "COMPLETED", (0, 1))
