"""The door to Stripe: what is sent is allowed, what fails is sorted, nothing waits for ever."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NotRequired, get_args, get_origin, get_type_hints
from uuid import uuid4

import pytest
import stripe
from django.db import transaction
from django.test import Client
from prometheus_client import REGISTRY
from typing_extensions import is_typeddict

from common.money import Money
from payments import gateway
from payments.gateway.signatures import BadSignature, verify
from payments.services.stripe_params import (
    price_params,
    product_id_of,
    product_params,
    refund_params,
    session_params,
)
from payments.types import NewOrder
from sandbox.testing import SandboxProcess

# What the library imports for type checkers alone.
_TYPE_CHECKING_ONLY = {"StripeContext": stripe.StripeContext, "Mapping": Mapping, "Any": Any}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def new_order(*, allows_delayed: bool = False) -> NewOrder:
    return NewOrder(
        order_id=uuid4(),
        purpose="goods",
        purpose_id=uuid4(),
        organization_id=uuid4(),
        event_id=uuid4(),
        buyer_id=uuid4(),
        buyer_email="a@example.test",
        title="Backstage video",
        quantity=2,
        unit=Money(1999, "USD"),
        reference="offer:1",
        success_url="https://front.test/done?order=1",
        cancel_url="https://front.test/cancelled",
        known_product_id=product_id_of(reference="offer:1", title="Backstage video", image_url=""),
        known_price_id="price_1",
        allows_delayed=allows_delayed,
    )


def calls(outcome: str) -> float:
    """Return how many calls came to this, as Prometheus is told."""
    return REGISTRY.get_sample_value("marquee_stripe_calls_total", {"outcome": outcome}) or 0.0


def unknown_names(given: Any, allowed: Any, path: str = "") -> list[str]:
    """Walk what we send against the library's TypedDicts and return the names that it does not know."""
    while get_origin(allowed) is NotRequired:
        allowed = get_args(allowed)[0]
    choices = [allowed, *get_args(allowed)]
    if isinstance(given, list):
        inner = next((get_args(one)[0] for one in choices if get_origin(one) is list), None)
        return [name for one in given for name in unknown_names(one, inner, path)] if inner else []
    shape = next((one for one in choices if is_typeddict(one)), None)
    if not isinstance(given, dict) or shape is None:
        return []
    hints = get_type_hints(shape, localns=_TYPE_CHECKING_ONLY)
    wrong = [f"{path}{name}" for name in given if name not in hints]
    for name, value in given.items():
        if name in hints:
            wrong += unknown_names(value, hints[name], f"{path}{name}.")
    return wrong


@pytest.mark.parametrize("allows_delayed", [False, True])
def test_every_parameter_is_one_that_the_library_knows(allows_delayed: bool) -> None:
    """Stripe's library sends a misspelt name unchecked; its own types tell it. REQ PA-01."""
    session = session_params(new_order(allows_delayed=allows_delayed), uuid4(), now=NOW)
    shapes = stripe.params
    product = product_params(reference="offer:1", title="x", image_url="https://x.test/x.png")
    price = price_params(reference="offer:1", product_id="prod_1", unit_amount=1999, currency="USD")
    refund = refund_params(order_id=uuid4(), refund_id=uuid4(), intent_id="pi_1", amount=5)
    assert unknown_names(session, shapes.checkout.SessionCreateParams) == []
    assert unknown_names(product, shapes.ProductCreateParams) == []
    assert unknown_names(price, shapes.PriceCreateParams) == []
    assert unknown_names(refund, shapes.RefundCreateParams) == []


def test_the_walk_finds_a_misspelt_name() -> None:
    """Control: the walk is not blind, neither at the top nor deeper."""
    session = session_params(new_order(), uuid4(), now=NOW)
    session["sucess_url"] = ""
    session["line_items"][0]["quanity"] = 1
    session["payment_intent_data"]["metdata"] = {}
    found = unknown_names(session, stripe.params.checkout.SessionCreateParams)
    assert sorted(found) == ["line_items.quanity", "payment_intent_data.metdata", "sucess_url"]


@pytest.mark.parametrize(("minutes", "seconds"), [(40, 2400), (5, 32 * 60), (5000, 85800)])
def test_the_session_lives_within_what_stripe_allows(settings: Any, minutes: int, seconds: int) -> None:
    """30 minutes to 24 hours, with a margin for clocks. REQ OF-05."""
    settings.STRIPE_CHECKOUT_EXPIRY_MINUTES = minutes
    session = session_params(new_order(), uuid4(), now=NOW)
    assert session["expires_at"] - NOW.timestamp() == seconds


def test_immediate_methods_only_unless_the_organizer_allows_others() -> None:
    """Scarce stock is not held for days by a bank transfer. REQ PA-03."""
    assert session_params(new_order(), uuid4(), now=NOW)["allowed_payment_method_types"] == ["card"]
    assert "allowed_payment_method_types" not in session_params(
        new_order(allows_delayed=True), uuid4(), now=NOW
    )
    address = session_params(new_order(), uuid4(), now=NOW)["success_url"]
    assert address == "https://front.test/done?order=1&session_id={CHECKOUT_SESSION_ID}"


@pytest.mark.django_db
def test_a_call_with_its_retries_ends_in_time(stripe_sandbox: SandboxProcess, settings: Any) -> None:
    """A Stripe that never answers costs no more than the time set for the whole call. REQ PA-01."""
    settings.STRIPE_TIMEOUT_SECONDS = 3.0
    stripe_sandbox.control("faults", api="timeout", times=None, path_prefix="/v1/")
    started, before = time.monotonic(), (calls("timeout"), calls("failed"))
    with pytest.raises(gateway.Unknown):
        gateway.retrieve_session("cs_test_1")
    # Two tries of three seconds would be six.
    assert time.monotonic() - started < 4.5
    # REQ OP-02: an alert watches what timed out, and once a call, not once a try.
    assert (calls("timeout"), calls("failed")) == (before[0] + 1, before[1])


@pytest.mark.django_db
def test_the_breaker_opens_and_says_that_nothing_was_sent(stripe_sandbox: SandboxProcess) -> None:
    """Five failures in a row: the next call sends nothing, and the one that tripped stays unknown.

    REQ PA-01.
    """
    stripe_sandbox.control("faults", api="500", times=None, path_prefix="/v1/")
    params = session_params(new_order(), uuid4(), now=datetime.now(UTC))
    failed, kept_away = calls("failed"), calls("kept_away")
    for number in range(5):
        with pytest.raises(gateway.Unknown):
            gateway.create_session(params, key=f"key-{number}")
    sent = len(stripe_sandbox.control("requests")["requests"])
    with pytest.raises(gateway.RefusedRetryable):
        gateway.create_session(params, key="key-6")
    assert len(stripe_sandbox.control("requests")["requests"]) == sent
    assert (calls("failed"), calls("kept_away")) == (failed + 5, kept_away + 1)
    # REQ OP-02: `/readyz` names it; the rest of the product goes on.
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["stripe"]["status"]) == (200, "down")
    assert not answer.json()["checks"]["stripe"]["required"]


@pytest.mark.django_db
def test_a_5xx_before_the_time_was_over_stays_unknown(
    stripe_sandbox: SandboxProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last try was never sent, an earlier one was answered 500: nobody may say nothing happened.

    REQ PA-01.
    """
    settings.STRIPE_TIMEOUT_SECONDS = 2.6
    # A second is for the tries; the pause between them outlasts it.
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 1.1)
    stripe_sandbox.control("faults", api="500", times=None, path_prefix="/v1/")
    params = session_params(new_order(), uuid4(), now=datetime.now(UTC))
    with pytest.raises(gateway.Unknown) as failed:
        gateway.create_session(params, key="key")
    assert failed.value.is_key_spent
    assert len(stripe_sandbox.control("requests")["requests"]) == 1


@pytest.mark.django_db
def test_what_is_not_there_is_told_apart(stripe_sandbox: SandboxProcess) -> None:
    """404 is an answer of its own. REQ PA-01."""
    before = calls("refused")
    with pytest.raises(gateway.NotThere):
        gateway.retrieve_session("cs_test_missing")
    assert calls("refused") == before + 1


@pytest.mark.django_db(transaction=True)
def test_no_call_inside_a_transaction(stripe_sandbox: SandboxProcess) -> None:
    """No database lock is held across a call: it is refused before anything is sent. REQ OF-05."""
    with transaction.atomic(), pytest.raises(RuntimeError):
        gateway.retrieve_session("cs_test_1")
    assert stripe_sandbox.control("requests")["requests"] == []


def test_signatures_agree_with_the_library() -> None:
    """What the library signs is accepted; what it refuses is refused. REQ PA-03."""
    body, now = b'{"id": "evt_1"}', int(NOW.timestamp())
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_1", now)
    verify(body, header, ["whsec_0", "whsec_1"], now=NOW.timestamp())
    verify(body, header + ",v0=abc,v1=def", ["whsec_1"], now=NOW.timestamp())
    for wrong in ("", "t=1", "v1=1", f"t={now},t={now},v1=a", header.replace("v1", "v0"), header[:-1]):
        with pytest.raises(BadSignature):
            verify(body, wrong, ["whsec_1"], now=NOW.timestamp())
    with pytest.raises(BadSignature):
        verify(body, header, ["", " "], now=NOW.timestamp())
