"""Idempotency keys, as docs.stripe.com/api/idempotent_requests promises them."""

import threading
import time
from typing import Any

import pytest
import requests
import stripe

from sandbox.testing import SandboxProcess
from sandbox.tests.conftest import API_KEY, client_of, params

FORM = {
    "mode": "payment",
    "success_url": "http://shop.test/done",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1999",
    "line_items[0][price_data][product_data][name]": "Backstage video",
}


def post(box: SandboxProcess, key: str, **changes: str) -> requests.Response:
    return requests.post(
        f"{box.base_url}/v1/checkout/sessions",
        data={**FORM, **changes},
        headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key},
        timeout=5,
    )


def count(box: SandboxProcess) -> int:
    return len(client_of(box).v1.checkout.sessions.list({"limit": 100}).data)


def test_the_same_key_replays_status_and_body(box: SandboxProcess) -> None:
    """The second answer is the first one, byte for byte, and says so; one session exists. REQ PA-02"""
    first, second = post(box, "k"), post(box, "k")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"] != second.headers["Request-Id"]
    assert count(box) == 1


def test_another_body_under_the_same_key_is_refused(box: SandboxProcess) -> None:
    """400 idempotency_error, and nothing new exists. REQ PA-02"""
    post(box, "k")
    refused = post(box, "k", success_url="http://shop.test/other")
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "idempotency_error")
    assert count(box) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"success_url": "nowhere"},
        {"line_items[0][price_data][unit_amount]": "1"},
        {"line_items[0][price_data][product]": "prod_none"},
        {"expires_at": "1"},
    ],
)
def test_a_refused_request_does_not_use_its_key_up(box: SandboxProcess, wrong: dict[str, str]) -> None:
    """Validation comes before execution: the key serves a corrected request. REQ PA-02"""
    assert post(box, "k", **wrong).status_code == 400
    assert post(box, "k").status_code == 200
    assert count(box) == 1


def test_a_refusal_in_execution_is_replayed(box: SandboxProcess, client: stripe.StripeClient) -> None:
    """Expiring twice under new keys refuses the second, and its key repeats the refusal. REQ PA-02"""
    session = client.v1.checkout.sessions.create(params())  # type: ignore[arg-type]
    expire: Any = client.v1.checkout.sessions.expire
    expire(session.id, {}, {"idempotency_key": "a"})
    for replayed in (False, True):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            expire(session.id, {}, {"idempotency_key": "b"})
        assert ("Idempotent-Replayed" in (refused.value.headers or {})) is replayed


def test_a_500_in_execution_is_replayed_and_one_before_is_not(box: SandboxProcess) -> None:
    """Stripe stores the 500 of a begun execution: only a new key, or none, helps. REQ OF-13"""
    box.control("faults", api="500")
    assert [post(box, "a").status_code for _ in range(2)] == [500, 500]
    assert count(box) == 0
    box.control("faults", api="500_before", method="POST")
    assert [post(box, "b").status_code for _ in range(2)] == [500, 200]
    assert count(box) == 1
    box.control("faults", api="500_after_commit", method="POST")
    assert [post(box, "c").status_code for _ in range(2)] == [500, 500]
    assert count(box) == 2


def test_a_key_in_use_answers_409_and_the_first_wins(box: SandboxProcess) -> None:
    """While the first request runs, the second with its key is refused and not stored. REQ PA-02"""
    box.control("faults", api="delay", delay_seconds=0.4)
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(post(box, "k").status_code))
    slow.start()
    deadline = time.monotonic() + 5
    while not box.control("requests")["requests"] and time.monotonic() < deadline:
        time.sleep(0.005)
    refused = post(box, "k")
    slow.join()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answers == [200]
    assert post(box, "k").headers["Idempotent-Replayed"] == "true"
    assert count(box) == 1


def test_keys_live_24_hours_of_the_sandboxs_clock_and_survive_a_crash(box: SandboxProcess) -> None:
    """Replayed after kill -9 and just before the day is over, executed anew afterwards. REQ PA-02"""
    first = post(box, "k").json()["id"]
    box.kill()
    box.start()
    box.control("clock", advance_seconds=24 * 3600 - 60)
    assert post(box, "k").json()["id"] == first
    assert box.control("clock", advance_seconds=61)["pruned_keys"] == 1
    assert post(box, "k").json()["id"] != first


def test_a_key_over_255_characters_is_refused(box: SandboxProcess) -> None:
    """Stripe: keys are up to 255 characters long. REQ PA-02"""
    assert post(box, "k" * 255).status_code == 200
    assert post(box, "k" * 256).status_code == 400
    assert count(box) == 1


def test_fifty_buyers_at_once_get_a_session_each(box: SandboxProcess) -> None:
    """50 concurrent creates: 50 different sessions, none refused. REQ OF-04"""
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(post(box, f"buyer-{n}"))) for n in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 50
    assert count(box) == 50
