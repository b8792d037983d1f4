"""Faults of the API, as the real library lives through them."""

import time
from typing import Any

import pytest
import requests
import stripe

from sandbox.testing import SandboxFailed, SandboxProcess
from sandbox.tests.conftest import API_KEY, client_of, params


def create(client: stripe.StripeClient, key: str) -> Any:
    return client.v1.checkout.sessions.create(params(expires_at=None), {"idempotency_key": key})  # type: ignore[arg-type]


def sessions(client: stripe.StripeClient) -> int:
    return len(client.v1.checkout.sessions.list({}).data)


def test_a_timeout_does_nothing_and_the_retry_works(box: SandboxProcess, client: stripe.StripeClient) -> None:
    """Never answered and never executed; the same key creates afterwards. REQ PA-01"""
    box.control("faults", api="timeout")
    with pytest.raises(stripe.APIConnectionError):
        create(client, "k")
    assert sessions(client) == 0
    create(client, "k")
    assert sessions(client) == 1


@pytest.mark.parametrize("fault", ["timeout_after_commit", "cut_after_commit"])
def test_a_lost_answer_is_found_again_by_its_key(
    box: SandboxProcess, client: stripe.StripeClient, fault: str
) -> None:
    """Executed and not answered: the session exists, and the same key gives it, once. REQ OF-13"""
    box.control("faults", api=fault)
    with pytest.raises(stripe.APIConnectionError):
        create(client, "k")
    existing = client.v1.checkout.sessions.list({}).data
    assert create(client, "k").id == existing[0].id
    assert len(existing) == sessions(client) == 1


def test_a_cut_connection_is_noticed_at_once(box: SandboxProcess) -> None:
    """No status line at all, and no waiting for a time-out. REQ OF-13"""
    box.control("faults", api="cut_after_commit")
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        requests.post(
            f"{box.base_url}/v1/products",
            {"name": "x"},
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=10,
        )
    assert time.monotonic() - started < 2
    assert box.control("requests")["requests"][0]["fault"] == "cut_after_commit"


def test_the_librarys_own_retries_meet_the_fault_too(box: SandboxProcess) -> None:
    """Two retries under one key: three cuts are seen as a failure, two are healed. REQ PA-01"""
    client = client_of(box, retries=2)
    box.control("faults", api="cut_after_commit", times=3)
    with pytest.raises(stripe.APIConnectionError):
        create(client, "a")
    box.control("faults", api="cut_after_commit", times=2)
    create(client, "b")
    tried = [entry["idempotency_key"] for entry in box.control("requests")["requests"]]
    assert tried == ["b"] * 3 + ["a"] * 3
    assert sessions(client) == 2


def test_429_does_nothing(box: SandboxProcess, client: stripe.StripeClient) -> None:
    """Rate limited: a definite refusal, not stored under the key. REQ OF-05"""
    box.control("faults", api="429")
    with pytest.raises(stripe.RateLimitError):
        create(client, "k")
    assert sessions(client) == 0
    create(client, "k")
    assert sessions(client) == 1


def test_a_fault_strikes_only_what_it_names_and_so_often(
    box: SandboxProcess, client: stripe.StripeClient
) -> None:
    """Path prefix, method and times narrow it; reset takes it back. REQ PA-09"""
    box.control("faults", api="429", path_prefix="/v1/refunds", method="POST", times=2)
    create(client, "k")
    client.v1.refunds.list({})
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.refunds.create({"charge": "ch_none"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": "ch_none"})
    box.control("faults", api="429", times=None)
    for _ in range(3):
        with pytest.raises(stripe.RateLimitError):
            client.v1.refunds.list({})
    box.control("faults", reset=True)
    assert client.v1.refunds.list({}).data == []


def test_unknown_faults_and_names_are_refused(box: SandboxProcess) -> None:
    """A misspelt control must not look like a passing test. REQ PA-09"""
    for wrong in ({"api": "explode"}, {"webhook": "drop"}, {"api": "429", "times": 0}, {"api": 429}):
        with pytest.raises(SandboxFailed, match="400"):
            box.control("faults", **wrong)
    assert box.control("faults") == {"faults": []}


def test_the_log_of_requests_masks_secrets(box: SandboxProcess, client: stripe.StripeClient) -> None:
    """Method, path, parameters, key and status are shown; no API key is. REQ PA-09"""
    client.v1.products.create({"name": "x", "description": "rk_test_leaked"}, {"idempotency_key": "p-1"})
    entry = box.control("requests")["requests"][0]
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v1/products", 200)
    assert (entry["idempotency_key"], entry["replayed"], entry["fault"]) == ("p-1", False, None)
    assert entry["params"] == {"name": "x", "description": "rk_test_***"}
    assert API_KEY not in str(box.control("requests"))
