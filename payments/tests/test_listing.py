"""Listing at Stripe what is sold, when Stripe refused it once, or archived what it had."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from payments import gateway
from payments.errors import CheckoutRefused, PaymentProviderUnavailable
from payments.models import OrderState, StripeOperation
from payments.tests.factories import Shop, buy
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, Mapping[str, Any]]]


def kept(operation: str) -> StripeOperation:
    return StripeOperation.objects.get(operation=operation)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Exception | None], Sent]:
    """Have one kind of call note its keys and parameters, and its first sending answered by this."""

    def spy(name: str, first: Exception | None) -> Sent:
        real, seen = getattr(gateway, name), list[tuple[str, Mapping[str, Any]]]()

        def noted(params: Mapping[str, Any], *, key: str) -> Any:
            seen.append((key, params))
            if len(seen) == 1 and first is not None:
                raise first
            return real(params, key=key)

        monkeypatch.setattr(gateway, name, noted)
        return seen

    return spy


@pytest.mark.parametrize("call", ["create_product", "create_price"])
def test_what_was_refused_is_asked_anew_as_it_is_wanted_now(
    shop: Shop, stripe_sandbox: SandboxProcess, sent: Callable[[str, Exception | None], Sent], call: str
) -> None:
    """Stripe may repeat a refusal under its key: the next purchase has the next one. REQ PA-02 OF-05."""
    seen = sent(call, gateway.Refused("Not a valid URL"))
    with pytest.raises(CheckoutRefused):
        buy(shop)
    operation = kept(call.removeprefix("create_"))
    # What the first version of us asked with may itself be what was refused.
    operation.request |= {"metadata": {"reference": "before"}}
    operation.save(update_fields=["request"])
    order, _ = buy(shop)
    assert order.state == OrderState.OPEN
    assert [key for key, _ in seen] == [operation.idempotency_key, f"{operation.idempotency_key}-2"]
    assert seen[1][1]["metadata"] == {"reference": f"goods:{shop.tier.pk}"}
    assert kept(operation.operation).state == "succeeded"


@pytest.mark.parametrize("first", [gateway.Unknown("cut"), gateway.RefusedRetryable("busy")])
def test_what_may_have_been_made_keeps_its_key_and_its_parameters(
    shop: Shop,
    stripe_sandbox: SandboxProcess,
    sent: Callable[[str, Exception | None], Sent],
    first: gateway.GatewayError,
) -> None:
    """An answer that nobody has, and one that says nothing of what was sent before, are no refusal. REQ PA-02."""
    seen = sent("create_price", first)
    with pytest.raises((PaymentProviderUnavailable, CheckoutRefused)):
        buy(shop)
    buy(shop)
    assert seen[0] == seen[1]


def test_a_refusal_that_comes_late_leaves_the_next_key_alone(
    shop: Shop, stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two met the refusal, one of them went on meanwhile: what it made is not forgotten. REQ PA-02."""
    real = gateway.create_price

    def refused_late(params: Mapping[str, Any], *, key: str) -> str:
        monkeypatch.setattr(gateway, "create_price", real)
        operation = kept("price")
        operation.state = "refused"
        operation.save(update_fields=["state"])
        buy(shop)
        raise gateway.Refused("Not a valid price")

    monkeypatch.setattr(gateway, "create_price", refused_late)
    with pytest.raises(CheckoutRefused):
        buy(shop)
    assert (kept("price").state, kept("price").attempt) == ("succeeded", 2)
