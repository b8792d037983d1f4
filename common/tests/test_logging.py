"""Log lines: their shape, and what never stands in them (REQ OP-01)."""

import json
import logging

import pytest
import structlog

from common.logging import MASK, mask_secrets, masked
from common.requests import tracing
from common.tests.logs import written

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123"


@pytest.fixture
def lines():
    with written({"": "INFO", "noisy": "ERROR"}) as read:
        yield read


def test_both_kinds_of_loggers_write_one_json_object_a_line(lines) -> None:
    """REQ OP-01: structlog's lines and the standard library's look alike and carry the request id."""
    with tracing("id-1", order_id="o-9"):
        structlog.stdlib.get_logger("ours").info("sold", units=2)
        logging.getLogger("theirs").warning("moved %s", "x", extra={"table": "t"})
        logging.getLogger("noisy").warning("unseen")
    ours, theirs = lines()
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {
        "event": "sold", "units": 2, "level": "info", "logger": "ours",
        "request_id": "id-1", "order_id": "o-9",
    }  # fmt: skip
    assert (theirs["event"], theirs["table"], theirs["request_id"]) == ("moved x", "t", "id-1")


def test_traces_are_whole_and_masked(lines) -> None:
    """REQ OP-01: the trace is there, its secrets are not, local variables neither."""

    def fail() -> None:
        hidden_local = "local-value"
        raise RuntimeError(f"refused key sk_live_abcdefgh {len(hidden_local)}")

    for log in (structlog.stdlib.get_logger("ours"), logging.getLogger("theirs")):
        try:
            fail()
        except RuntimeError:
            log.exception("failed")
    for line in lines():
        assert "in fail" in line["exception"]
        assert MASK in line["exception"]
        assert "sk_live_abcdefgh" not in json.dumps(line)
        assert "local-value'" not in json.dumps(line)


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_51Habc", "sk_test_51Habc", "rk_live_51Habc", "whsec_abc+/=", JWT,
        "pi_3abc_secret_DEF", "re_AbCdEfGh_" + "a" * 20, "MQ1:AEAFQ2XZ" + "A" * 130, "mq1:aeafq2xz",
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_look(secret) -> None:
    """REQ OP-01: wherever they stand in a text."""
    assert masked(f"before {secret} after") == f"before {MASK} after"
    assert masked({"a": [{"b": (secret,)}]}) == {"a": [{"b": [MASK]}]}
    assert secret not in str(masked(secret.encode()))


@pytest.mark.parametrize(
    "name",
    [
        "password", "new_password", "Authorization", "STRIPE_SECRET_KEY", "cookie", "join_token", "access",
        "refresh", "api_key", "access_code", "access_url", "content_url", "manual_code", "Stripe-Signature",
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_name(name) -> None:
    """REQ OP-01: whatever their value looks like."""
    assert masked({name: "plain"}) == {name: MASK}
    assert masked({name: {"deep": "plain"}}) == {name: MASK}


def test_addresses_lose_their_password_and_queries_their_token() -> None:
    """REQ OP-01: connection strings and links."""
    assert masked("postgres://app:pa55@db/x") == f"postgres://{MASK}@db/x"
    assert masked("/go?token=abc&x=1") == f"/go?token={MASK}&x=1"
    assert masked("Authorization: Bearer abc.def") == f"Authorization: {MASK}"


@pytest.mark.parametrize(
    "value",
    [
        {"order_id": "o-1", "idempotency_key": "k-1", "status": "PAID", "has_password": True, "token": None},
        ["https://shop.example.com/a?b=c", 3, 1.5, None],
        "cs_test_a1b2c3", "accessible", "tokens: 5",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(value) -> None:
    """REQ OP-01: Stripe session ids, keys of callers and counts are what one looks for in a log."""
    assert masked(value) == value


def test_objects_are_seen_through() -> None:
    """REQ OP-01: a secret inside an object that the line would print is masked as well."""
    line = mask_secrets(None, "info", {"event": "x", "error": ValueError("sk_live_abc123"), "n": 1})
    assert line == {"event": "x", "error": MASK, "n": 1}


def test_depth_is_bounded() -> None:
    """A value that contains itself ends."""
    loop: list[object] = []
    loop.append(loop)
    assert MASK in str(masked(loop))
