"""The process itself: where it refuses to start, how it stops, what it keeps; and demo data."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from sandbox.config import RefusedToStart, read_settings
from sandbox.testing import SandboxFailed, SandboxProcess
from sandbox.tests.conftest import client_of

ROOT = Path(__file__).resolve().parent.parent.parent
SAFE = {"STRIPE_WEBHOOK_SECRET": "whsec_x"}


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_123"}, "live key"),
        ({"STRIPE_SECRET_KEY": "rk_live_123"}, "live key"),
        ({"DJANGO_ENV": "production"}, "production"),
        ({"ENVIRONMENT": "Production"}, "production"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_it_refuses_live_keys_production_and_unsigned_webhooks(
    environment: dict[str, str], reason: str
) -> None:
    """Each wrong surrounding is refused before anything is opened. REQ PA-09"""
    with pytest.raises(RefusedToStart, match=reason):
        read_settings([], {**SAFE, **environment})


@pytest.mark.parametrize("host", ["192.168.1.4", "::", "example.com", "0.0.0.0"])  # noqa: S104 - refused
def test_it_listens_on_loopback_only(host: str) -> None:
    """Any other address is refused. REQ PA-09"""
    with pytest.raises(RefusedToStart, match="loopback"):
        read_settings(["--host", host], SAFE)
    assert read_settings(["--host", "127.0.0.1"], SAFE).host == "127.0.0.1"


def test_the_first_of_several_secrets_signs() -> None:
    """While a secret rotates, STRIPE_WEBHOOK_SECRET lists the new one first. REQ PA-03"""
    assert read_settings([], {"STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old"}).webhook_secret == "whsec_new"


def test_a_refused_start_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """`python -m sandbox` beside a live key says why, without a traceback, and leaves nothing. REQ PA-09"""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", "0", "--data-dir", str(tmp_path / "data")],
        cwd=ROOT,
        env={**os.environ, **SAFE, "STRIPE_SECRET_KEY": "sk_live_123"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    refusal = "stripe sandbox: STRIPE_SECRET_KEY is a live key: the sandbox runs beside test keys only.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", refusal)
    assert not (tmp_path / "data").exists()


def test_state_survives_sigterm_and_kill_9_on_the_same_port(tmp_path: Path) -> None:
    """Exit code 0 within two seconds on SIGTERM; sessions and address are the same after both. REQ PA-09"""
    with SandboxProcess(data_dir=tmp_path / "with a space") as box:
        product = client_of(box).v1.products.create({"name": "T-shirt"})
        address, started = box.base_url, time.monotonic()
        assert box.stop() == 0
        assert time.monotonic() - started < 2
        box.start()
        assert box.kill() == -9
        box.start()
        assert box.base_url == address
        assert client_of(box).v1.products.retrieve(product.id).name == "T-shirt"


def test_two_never_work_in_one_folder(tmp_path: Path) -> None:
    """The second start is refused with the reason, the first goes on. REQ PA-09"""
    with SandboxProcess(data_dir=tmp_path) as box:
        with pytest.raises(SandboxFailed, match="Another sandbox already works"):
            SandboxProcess(data_dir=tmp_path).start()
        assert box.control("health") == {"status": "ok", "base_url": box.base_url}


def test_a_taken_port_is_a_clear_error(process: SandboxProcess, tmp_path: Path) -> None:
    """The message names the address. REQ PA-09"""
    with pytest.raises(
        SandboxFailed, match=f"Cannot listen on 127.0.0.1:{process.port}: Address already in use"
    ):
        SandboxProcess(port=process.port, data_dir=tmp_path).start()


def test_it_stops_at_once_while_a_client_hangs(tmp_path: Path) -> None:
    """A request that is never answered does not keep the process. REQ PA-09"""
    with SandboxProcess(data_dir=tmp_path) as box:
        box.control("faults", api="timeout")
        with requests.Session() as session:
            with pytest.raises(requests.ReadTimeout):
                session.get(f"{box.base_url}/v1/products", auth=("sk_test_x", ""), timeout=0.2)
            started = time.monotonic()
            assert box.stop() == 0
        assert time.monotonic() - started < 2


def test_open_sessions_move_with_the_port(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """After a start on another port the page is reached at the URL that the API gives. REQ PA-09"""
    with SandboxProcess(data_dir=tmp_path) as box:
        fields = {
            "mode": "payment",
            "success_url": "http://shop.test",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": "500",
            "line_items[0][price_data][product_data][name]": "Thing",
        }
        answer = requests.post(
            f"{box.base_url}/v1/checkout/sessions", fields, auth=("sk_test_x", ""), timeout=5
        )
        session_id = answer.json()["id"]
        box.stop()
        box.port = free_port()
        box.start()
        url = client_of(box).v1.checkout.sessions.retrieve(session_id).url
        assert url == f"{box.base_url}/c/pay/{session_id}"
        assert requests.get(url, timeout=5).status_code == 200


PAST = {
    "id": "cs_test_demo_1",
    "created": 1_780_000_000,
    "amount_total": 1999,
    "currency": "usd",
    "payment_intent": "pi_demo_1",
    "client_reference_id": "purchase-1",
    "metadata": {"purchase": "1"},
    "customer_email": "vip@demo.test",
    "card": {"brand": "amex", "last4": "0005"},
    "fee": 90,
    "line_items": [{"description": "Backstage video", "quantity": 1, "unit_amount": 1999}],
    "refunds": [{"id": "re_demo_1", "amount": 500, "created": 1_780_003_600}],
}
OTHER = {**PAST, "id": "cs_test_demo_2", "payment_intent": "pi_demo_2"}


def test_past_orders_are_imported_once_and_without_events(
    box: SandboxProcess, client: stripe.StripeClient
) -> None:
    """Given ids, times, fee, card and refund are found through the API; a second import skips. REQ PA-09"""
    catalogue: dict[str, Any] = {
        "products": [{"id": "prod_demo", "name": "Backstage video", "created": 1_770_000_000}],
        "prices": [
            {
                "id": "price_demo",
                "product": "prod_demo",
                "currency": "usd",
                "unit_amount": 1999,
                "created": 1_770_000_000,
            }
        ],
    }
    assert box.control("import", sessions=[PAST], **catalogue) == {"imported": 3, "skipped": 0}
    assert box.control("import", sessions=[PAST], **catalogue) == {"imported": 0, "skipped": 3}
    path = "payment_intent.latest_charge.balance_transaction"
    session = client.v1.checkout.sessions.retrieve("cs_test_demo_1", {"expand": [path]}).to_dict()
    assert (session["created"], session["status"], session["payment_status"]) == (
        1_780_000_000,
        "complete",
        "paid",
    )
    charge = session["payment_intent"]["latest_charge"]
    assert (session["payment_intent"]["id"], charge["balance_transaction"]["fee"]) == ("pi_demo_1", 90)
    assert (charge["amount_refunded"], charge["payment_method_details"]["card"]["last4"]) == (500, "0005")
    assert [refund.id for refund in client.v1.refunds.list({"payment_intent": "pi_demo_1"}).data] == [
        "re_demo_1"
    ]
    assert client.v1.prices.retrieve("price_demo").unit_amount == 1999
    assert client.v1.events.list({}).data == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "cs_test_demo_2", "created": 1, "currency": "usd"},
        {**PAST, "id": "cs_test_demo_2", "colour": "red"},
        {**PAST, "id": "cs_test_demo_2"},
        {**OTHER, "refunds": [{"id": "re_2", "amount": 2000, "created": 1}]},
    ],
)
def test_a_wrong_import_leaves_nothing(
    box: SandboxProcess, client: stripe.StripeClient, wrong: dict[str, Any]
) -> None:
    """All or nothing: one wrong order takes the right ones beside it back. REQ PA-09"""
    with pytest.raises(SandboxFailed, match="400"):
        box.control("import", sessions=[PAST, wrong])
    assert client.v1.checkout.sessions.list({}).data == []
    assert client.v1.payment_intents.list({}).data == []


def test_reset_forgets_everything(box: SandboxProcess, client: stripe.StripeClient) -> None:
    """Objects, faults, keys and the log of requests. REQ PA-09"""
    client.v1.products.create({"name": "x"}, {"idempotency_key": "k"})
    box.control("faults", webhooks="drop")
    box.control("reset")
    assert box.control("requests") == {"requests": []}
    assert client.v1.products.list({}).data == []
    assert box.control("faults") == {"faults": []}
    client.v1.products.create({"name": "another"}, {"idempotency_key": "k"})
