"""Whatever text or body comes from outside is read, or refused by name."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Invalid
from notifications import addresses
from notifications.errors import InvalidRecipient, UnsubscribeLinkInvalid
from notifications.mailer import reports
from notifications.mailer.signatures import BadSignature, verify
from notifications.pushing import tokens
from notifications.realtime import commands
from notifications.services import unsubscribing
from notifications.services.push import receipts

_FEW = settings(max_examples=25, deadline=None, database=None)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_PARTS = [
    "email_id",
    "created_at",
    "to",
    "from",
    "bounce",
    "failed",
    "suppressed",
    "headers",
    "tags",
    "click",
]


@pytest.mark.django_db
@_FEW
@given(text=st.text(max_size=260), cut=st.integers(0, 40))
def test_no_text_is_a_token(text: str, cut: int) -> None:
    """Unsubscribing and receipts: any text, also one that begins as a token of ours does, is refused as none.
    REQ NO-04, NO-05.
    """
    receipt = receipts.token_of(uuid4())
    for wrong in (text, receipt[:cut] + text, f"{uuid4().hex}.reports.email:{text}"):
        with pytest.raises(UnsubscribeLinkInvalid):
            unsubscribing.look(wrong)
        if wrong != receipt:
            with pytest.raises(Invalid):
                receipts.read(wrong, is_opened=True)


@_FEW
@given(
    provider=st.sampled_from(["fcm", "webpush", "", "apns"]),
    token=st.text(max_size=60) | st.just("https://fcm.googleapis.com/x"),
    keys=st.none()
    | st.dictionaries(st.sampled_from(["p256dh", "auth", "x"]), st.text("AZaz09-_=", max_size=90)),
)
def test_no_registration_breaks_the_check(provider: str, token: str, keys: dict[str, str] | None) -> None:
    """Any token and keys: kept as they are to be kept, or `Invalid`. REQ NO-05."""
    try:
        found = tokens.checked(provider, token, keys)
    except Invalid:
        return
    assert found.token == token


@_FEW
@given(address=st.text(max_size=300) | st.text("ab@.-[]:\"' \n,", max_size=20))
def test_no_address_breaks_the_check(address: str) -> None:
    """An address for mail, of one line, or `InvalidRecipient`; and masks never show more than a letter of it.
    REQ NO-01.
    """
    try:
        found = addresses.checked(address)
    except InvalidRecipient:
        return
    assert "@" in found
    assert found.isprintable()


@_FEW
@given(data=_JSON)
def test_no_packet_breaks_the_check_of_commands(data: Any) -> None:
    """What a socket sends is an object that can be stored, or refused. REQ RT-01."""
    try:
        found = commands.checked(data)
    except Invalid:
        return
    assert "\\u0000" not in json.dumps(found, allow_nan=False)


@_FEW
@given(
    texts=st.lists(st.text(max_size=30) | st.just("1700000000"), min_size=3, max_size=3),
    body=st.binary(max_size=9),
)
def test_no_header_passes_without_the_secret(texts: list[str], body: bytes) -> None:
    """Any body and headers: `BadSignature`, nothing else. REQ NO-02."""
    name, timestamp, signatures = texts
    with pytest.raises(BadSignature):
        verify(
            body, event_id=name, timestamp=timestamp, signatures=signatures, secrets=["whsec_dGVzdA==", "x", ""],
            now=1_700_000_000,
        )  # fmt: skip


@_FEW
@given(
    kind=st.sampled_from(
        ["email.sent", "email.bounced", "email.failed", "email.complained", "email.clicked", "x"]
    ),
    data=st.dictionaries(st.sampled_from(_PARTS), _JSON | st.just(str(uuid4())), max_size=6),
    more=st.dictionaries(st.sampled_from(["created_at", "x"]), _JSON, max_size=2),
)
def test_no_event_of_the_mail_provider_breaks_the_reading(
    kind: str, data: dict[str, Any], more: dict[str, Any]
) -> None:
    """Any event that the door took (a type and an object of data): a report, none, or `Unreadable`. REQ NO-02."""
    try:
        found = reports.read("msg_1", json.dumps({"type": kind, "data": data, **more}).encode())
    except reports.Unreadable:
        return
    assert found is None or found.named_id or found.provider_message_id
