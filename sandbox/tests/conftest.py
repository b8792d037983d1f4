"""One sandbox process per module, emptied before each test."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from sandbox.testing import SandboxProcess
from sandbox.tests.receiver import SECRET, Receiver

API_KEY = "sk_test_of_the_tests"


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Name a port that nothing listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


def client_of(process: SandboxProcess, retries: int = 0) -> stripe.StripeClient:
    """The real library, pointed at the sandbox."""
    return stripe.StripeClient(
        API_KEY,
        base_addresses={"api": process.base_url},
        http_client=stripe.RequestsClient(timeout=(1, 1)),
        max_network_retries=retries,
    )


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess(webhook_secret=SECRET) as started:
        yield started


@pytest.fixture
def box(process: SandboxProcess) -> SandboxProcess:
    """An empty sandbox without endpoints."""
    process.control("reset")
    process.set_webhook_urls()
    return process


@pytest.fixture
def client(box: SandboxProcess) -> stripe.StripeClient:
    return client_of(box)


@pytest.fixture
def receiver(box: SandboxProcess) -> Iterator[Receiver]:
    """An endpoint that gets the sandbox's webhooks."""
    endpoint = Receiver()
    box.set_webhook_urls(endpoint.url)
    yield endpoint
    endpoint.close()


def params(**changes: Any) -> dict[str, Any]:
    """What a Checkout Session needs, 19.99 USD, with changes; a change to None takes the parameter away."""
    usual: dict[str, Any] = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 1999,
                    "product_data": {"name": "Backstage video"},
                },
            }
        ],
        "success_url": "http://shop.test/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/cart",
        "client_reference_id": "purchase-1",
        "metadata": {"purchase": "1"},
        "payment_intent_data": {"metadata": {"purchase": "1"}},
        "expires_at": int(time.time()) + 40 * 60,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def priced(unit_amount: int, currency: str = "usd", quantity: int = 1) -> list[dict[str, Any]]:
    """One line item of this price."""
    return [
        {
            "quantity": quantity,
            "price_data": {
                "currency": currency,
                "unit_amount": unit_amount,
                "product_data": {"name": "Thing"},
            },
        }
    ]


@pytest.fixture
def open_session(client: stripe.StripeClient) -> Callable[..., Any]:
    """Create a session; keyword arguments change its parameters."""

    def create(**changes: Any) -> Any:
        return client.v1.checkout.sessions.create(params(**changes))  # type: ignore[arg-type]

    return create


@pytest.fixture
def paid_session(box: SandboxProcess, open_session: Callable[..., Any]) -> Callable[..., Any]:
    """Create a session and pay it; the session as the control answers it, a plain dictionary."""

    def create(**changes: Any) -> dict[str, Any]:
        return box.control(f"sessions/{open_session(**changes).id}/pay")

    return create
