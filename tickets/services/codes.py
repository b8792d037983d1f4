"""Codes that open doors: what they say, signed by HMAC-SHA256 (REQUIREMENTS TK-01).

A code is ``MQ1:`` and base32, which a QR code holds in its compact letters. Inside: version, kind, key id,
ticket, event, generation, time, nonce, signature. The newest key signs and all verify, so a key is replaced
without voiding a ticket: add the new one in front, drop the old one when no printed code of it is left.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings

from tickets.models import CodeKind
from tickets.types import SignedCode

PREFIX = "MQ1:"
_VERSION = 1
# version, kind, key id, ticket, event, generation, seconds, nonce
_BODY = struct.Struct(">BB4s16s16sIQ8s")
_SIGNATURE_BYTES = 32
_KINDS = {CodeKind.LIVE: 1, CodeKind.PRINTED: 2}
_KIND_OF = {number: kind for kind, number in _KINDS.items()}
_LENGTH = -(-(_BODY.size + _SIGNATURE_BYTES) * 8 // 5)


class NotACode(ValueError):
    """It is no code of this form at all."""


class Forged(ValueError):
    """It has the form of a code, and no key of ours signed it."""


def sign(*, ticket_id: UUID, event_id: UUID, generation: int, kind: CodeKind, now: datetime) -> str:
    """Return a new code, signed with the newest key. Its time has whole seconds."""
    key = next(_keys())
    body = _BODY.pack(
        _VERSION, _KINDS[kind], _key_id(key), ticket_id.bytes, event_id.bytes, generation,
        int(now.timestamp()), secrets.token_bytes(8),
    )  # fmt: skip
    return PREFIX + _text(body + _signature(key, body))


def read(text: str) -> SignedCode:
    """Return what a code says. Raises ``NotACode``, ``Forged``; signatures are compared in constant time."""
    data = _bytes(text)
    body, signature = data[: _BODY.size], data[_BODY.size :]
    version, kind, key_id, ticket, event, generation, seconds, nonce = _BODY.unpack(body)
    if version != _VERSION or kind not in _KIND_OF:
        raise NotACode
    if not _is_ours(key_id, body, signature):
        raise Forged
    return SignedCode(
        ticket_id=UUID(bytes=ticket),
        event_id=UUID(bytes=event),
        generation=generation,
        kind=_KIND_OF[kind],
        issued_at=datetime.fromtimestamp(seconds, UTC),
        nonce=nonce.hex(),
    )


def is_signed(text: str) -> bool:
    """Say whether a key of ours signed it, so that it is no guess."""
    try:
        read(text)
    except (NotACode, Forged):
        return False
    return True


def hash_of(text: str) -> str:
    """Return by what a code is known in the log of scans, which keeps no codes. A signed one is the same however
    it is spelled: in small letters, or without what it begins with."""
    try:
        spelled = PREFIX + _text(_bytes(text))
    except NotACode:
        spelled = text.strip()
    return hashlib.sha256(spelled.encode("utf-8", "backslashreplace")).hexdigest()


def _is_ours(key_id: bytes, body: bytes, signature: bytes) -> bool:
    # Every key is tried and none ends the loop early: how long it takes tells nothing of the keys.
    verdict = False
    for key in _keys():
        is_key = hmac.compare_digest(_key_id(key), key_id)
        is_signed = hmac.compare_digest(_signature(key, body), signature)
        verdict |= is_key and is_signed
    return verdict


def _keys() -> Iterator[bytes]:
    """Yield the keys, the newest first. Without any of their own, one that follows from ``SECRET_KEY``."""
    given = settings.TICKET_SIGNING_KEYS or [f"tickets:{settings.SECRET_KEY}"]
    return (key.encode() for key in given)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"marquee.ticket.key:" + key).digest()[:4]


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    text = text.strip()
    letters = text.upper().removeprefix(PREFIX)
    # Asked before it is decoded, which raises something else for it, and of the text as it came: some
    # letters of other alphabets are ASCII in capitals.
    if not text.isascii() or len(letters) != _LENGTH:
        raise NotACode
    try:
        data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except binascii.Error as error:
        raise NotACode from error
    # The last letter has bits to spare: one code has one spelling.
    if _text(data) != letters:
        raise NotACode
    return data
