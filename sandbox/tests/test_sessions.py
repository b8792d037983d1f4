"""Checkout Sessions through the API."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import stripe

from sandbox.testing import SandboxProcess
from sandbox.tests.conftest import API_KEY, params, priced


def test_a_new_session_is_open_and_says_what_was_asked(
    open_session: Callable[..., Any], box: SandboxProcess
) -> None:
    """Amounts, links, metadata and times are exact; no PaymentIntent exists yet. REQ PA-09"""
    expires_at = int(time.time()) + 2400
    session = open_session(expires_at=expires_at, customer_email="ann@example.com")
    assert session.id.startswith("cs_test_")
    assert session.url == f"{box.base_url}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.expires_at) == (1999, "usd", expires_at)
    assert (session.client_reference_id, session.metadata.to_dict()) == ("purchase-1", {"purchase": "1"})
    assert (session.livemode, session.customer_email, session.mode) == (False, "ann@example.com", "payment")


def test_prices_and_quantities_make_the_total(client: stripe.StripeClient) -> None:
    """Line items of stored prices are multiplied and summed, and expand with their description. REQ PA-09"""
    product = client.v1.products.create({"name": "T-shirt"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 2500})
    items = [{"price": price.id, "quantity": 3}, *priced(199)]
    session = client.v1.checkout.sessions.create(params(line_items=items, expand=["line_items"]))  # type: ignore[arg-type]
    assert session.amount_total == 7699
    assert session.line_items is not None
    lines = [(line.description, line.quantity, line.amount_total) for line in session.line_items.data]
    assert lines == [("T-shirt", 3, 7500), ("Thing", 1, 199)]


WRONG = {
    "unknown": ({"sucess_url": "http://shop.test"}, "sucess_url", "parameter_unknown"),
    "unknown, nested": (
        {"payment_intent_data": {"meta": "x"}},
        "payment_intent_data[meta]",
        "parameter_unknown",
    ),
    "no success_url": ({"success_url": None}, "success_url", "parameter_missing"),
    "no line items": ({"line_items": None}, "line_items", "parameter_missing"),
    "bad url": ({"success_url": "shop.test/done"}, "success_url", "url_invalid"),
    "bad cancel url": ({"cancel_url": "javascript:alert(1)"}, "cancel_url", "url_invalid"),
    "bad e-mail": ({"customer_email": "ann"}, "customer_email", "email_invalid"),
    "under the minimum": ({"line_items": priced(49)}, "line_items", "amount_too_small"),
    "under the minimum, GBP": ({"line_items": priced(29, "gbp")}, "line_items", "amount_too_small"),
    "under the minimum, JPY": ({"line_items": priced(49, "jpy")}, "line_items", "amount_too_small"),
    "over 8 digits": ({"line_items": priced(50_000_000, quantity=2)}, "line_items", "amount_too_large"),
    "two currencies": ({"line_items": priced(500) + priced(500, "eur")}, "line_items", None),
    "101 line items": ({"line_items": priced(100) * 101}, "line_items", None),
    "quantity 0": (
        {"line_items": priced(500, quantity=0)},
        "line_items[0][quantity]",
        "parameter_invalid_integer",
    ),
    "no such price": (
        {"line_items": [{"price": "price_none", "quantity": 1}]},
        "line_items[0][price]",
        "resource_missing",
    ),
    "unknown method": (
        {"allowed_payment_method_types": ["cash"]},
        "allowed_payment_method_types[0]",
        None,
    ),
    "no method left": (
        {"allowed_payment_method_types": ["sepa_debit"]},
        "allowed_payment_method_types",
        None,
    ),
    "removed parameter": (
        {"payment_method_types": ["card"]},
        "payment_method_types",
        "payment_method_types_no_longer_supported",
    ),
    "subscription": ({"mode": "subscription"}, "mode", None),
    "51 metadata keys": ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata", None),
    "metadata key of 41": ({"metadata": {"k" * 41: "v"}}, "metadata", None),
    "metadata value of 501": ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
    "reference of 201": (
        {"client_reference_id": "r" * 201},
        "client_reference_id",
        "parameter_invalid_string",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_session_is_refused_by_name_and_makes_nothing(client: stripe.StripeClient, case: str) -> None:
    """Each wrong parameter answers 400 with its name and Stripe's code; nothing exists. REQ PA-09, PA-11"""
    changes, param, code = WRONG[case]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params(**changes))  # type: ignore[arg-type]
    assert (refused.value.param, refused.value.code, refused.value.http_status) == (param, code, 400)
    assert client.v1.checkout.sessions.list({}).data == []
    assert client.v1.prices.list({}).data == []


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ({}, ["card", "us_bank_account"]),
        ({"allowed_payment_method_types": ["card", "sepa_debit"]}, ["card"]),
        ({"excluded_payment_method_types": ["us_bank_account"]}, ["card"]),
    ],
)
def test_payment_methods_follow_currency_allowed_and_excluded(
    open_session: Callable[..., Any], asked: dict[str, Any], offered: list[str]
) -> None:
    """Dynamic methods, filtered: the answer's payment_method_types says what is left. REQ OF-05"""
    assert open_session(**asked).payment_method_types == offered


def test_metadata_at_its_limits_is_taken(open_session: Callable[..., Any]) -> None:
    """50 keys of 40 characters with values of 500. REQ PA-09"""
    full = {f"{n:040d}": "v" * 500 for n in range(50)}
    assert open_session(metadata=full).metadata.to_dict() == full


@pytest.mark.parametrize(("seconds", "taken"), [(1790, False), (1802, True), (86_398, True), (86_410, False)])
def test_expires_at_lies_between_30_minutes_and_24_hours(
    open_session: Callable[..., Any], seconds: int, taken: bool
) -> None:
    """Stripe: Checkout Session expires_at. REQ PA-09"""
    moment = int(time.time()) + seconds
    if taken:
        assert open_session(expires_at=moment).expires_at == moment
    else:
        with pytest.raises(stripe.InvalidRequestError, match="expires_at") as refused:
            open_session(expires_at=moment)
        assert refused.value.param == "expires_at"


def test_an_inactive_price_cannot_be_sold(client: stripe.StripeClient) -> None:
    """A retired price is refused for new sessions. REQ OF-05"""
    product = client.v1.products.create({"name": "T-shirt"})
    price = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 2500, "active": False}
    )
    with pytest.raises(stripe.InvalidRequestError, match="inactive") as refused:
        client.v1.checkout.sessions.create(params(line_items=[{"price": price.id, "quantity": 1}]))  # type: ignore[arg-type]
    assert refused.value.param == "line_items[0][price]"


def test_a_price_of_an_inactive_product_cannot_be_sold(client: stripe.StripeClient) -> None:
    """The price itself may still be active. REQ OF-05"""
    product = client.v1.products.create({"name": "T-shirt"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 2500})
    client.v1.products.update(product.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        client.v1.checkout.sessions.create(params(line_items=[{"price": price.id, "quantity": 1}]))  # type: ignore[arg-type]


def test_only_an_open_session_can_be_expired(
    client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """Expire closes an open one and refuses a complete and an expired one, changing nothing. REQ OF-08"""
    session = client.v1.checkout.sessions.create(params())  # type: ignore[arg-type]
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url, expired.payment_status) == ("expired", None, "unpaid")
    paid = paid_session()
    for session_id, status in ((session.id, "expired"), (paid["id"], "complete")):
        with pytest.raises(stripe.InvalidRequestError, match=f"has a status of `{status}`"):
            client.v1.checkout.sessions.expire(session_id)
        assert client.v1.checkout.sessions.retrieve(session_id).status == status


def test_lists_page_newest_first_and_filter(
    client: stripe.StripeClient, open_session: Callable[..., Any], box: SandboxProcess
) -> None:
    """Cursors walk every session once; created, status and payment_intent filter. REQ PA-08"""
    old = open_session()
    box.control("clock", advance_seconds=1000)
    ids = [open_session().id for _ in range(5)]
    paid = box.control(f"sessions/{ids[0]}/pay")
    sessions = client.v1.checkout.sessions
    walked = [session.id for session in sessions.list({"limit": 2}).auto_paging_iter()]
    assert walked == [*ids[::-1], old.id]
    page = sessions.list({"limit": 2, "starting_after": ids[3]})
    assert ([session.id for session in page.data], page.has_more) == ([ids[2], ids[1]], True)
    before = sessions.list({"limit": 2, "ending_before": ids[0]})
    assert ([session.id for session in before.data], before.has_more) == ([ids[2], ids[1]], True)
    recent = sessions.list({"created": {"gte": int(time.time()) - 500}, "limit": 100})
    assert [session.id for session in recent.data] == ids[::-1]
    assert [session.id for session in sessions.list({"status": "complete"}).data] == [ids[0]]
    assert [found.id for found in sessions.list({"payment_intent": paid["payment_intent"]}).data] == [ids[0]]


def test_expand_reaches_the_fee_through_the_payment(
    client: stripe.StripeClient, paid_session: Callable[..., Any]
) -> None:
    """The balance transaction expands through intent and charge; metadata is on each. REQ PA-12"""
    paid = paid_session()
    path = "payment_intent.latest_charge.balance_transaction"
    session = client.v1.checkout.sessions.retrieve(paid["id"], {"expand": [path]}).to_dict()
    intent, charge = session["payment_intent"], session["payment_intent"]["latest_charge"]
    assert (intent["amount_received"], intent["metadata"], intent["status"]) == (
        1999,
        {"purchase": "1"},
        "succeeded",
    )
    assert (charge["amount"], charge["metadata"], charge["paid"]) == (1999, {"purchase": "1"}, True)
    # 2.9 % of 19.99 and 30 cents.
    assert (charge["balance_transaction"]["fee"], charge["balance_transaction"]["net"]) == (88, 1911)
    listed = client.v1.checkout.sessions.list({"expand": ["data.payment_intent"]}).data[0].to_dict()
    assert listed["payment_intent"]["id"] == paid["payment_intent"]
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(paid["id"], {"expand": ["colour"]})


def test_unknown_objects_and_addresses_answer_404(client: stripe.StripeClient, box: SandboxProcess) -> None:
    """Stripe's shape for a missing object and a missing endpoint. REQ PA-09"""
    with pytest.raises(
        stripe.InvalidRequestError, match=r"No such checkout.session: 'cs_test_none'"
    ) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    answer = requests.get(
        f"{box.base_url}/v1/moons", headers={"Authorization": f"Bearer {API_KEY}"}, timeout=5
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize("key", ["", "sk_live_0123456789", "pk_test_0123", "nonsense"])
def test_only_test_secret_keys_open_the_api(box: SandboxProcess, key: str) -> None:
    """No key, a live key, a publishable key and nonsense: 401 in Stripe's shape. REQ PA-09"""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = requests.post(f"{box.base_url}/v1/products", data={"name": "x"}, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    allowed = requests.get(f"{box.base_url}/v1/products", auth=("rk_test_restricted", ""), timeout=5)
    assert allowed.json()["data"] == []
