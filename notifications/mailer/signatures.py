"""Verifying what Resend signed (the scheme of Svix), over the bytes as they came.

By ``hmac`` itself: the library reads its own clock, knows one secret, and raises errors of its own making for a header
that is no signature at all; here each of these is a plain refusal. A test holds the two together on what both accept.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_LONGEST_HEADER = 4096
_ID = re.compile(r"[!-~]{1,255}")


class BadSignature(Exception):
    """The request is not, or not any more, one that was signed for us; the message says why."""


def verify(
    body: bytes, *, event_id: str, timestamp: str, signatures: str, secrets: Sequence[str], now: float
) -> None:
    """Accept a body that carries a ``v1`` signature under one of the secrets (several while rotating).

    ``now`` is in Unix seconds; the timestamp may lie 300 s before or after it. Raises ``BadSignature``.
    """
    if (
        not _ID.fullmatch(event_id)
        or not (timestamp.isascii() and timestamp.isdigit())
        or len(timestamp) > 12
    ):
        raise BadSignature("The svix-id or svix-timestamp header is missing or malformed.")
    signed = f"{event_id}.{timestamp}.".encode() + body
    given = _given(signatures)
    if not any(_is_signed(signed, given, secret) for secret in secrets if secret.strip()):
        raise BadSignature("No signature matches.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The timestamp is too far from now.")


def key_of(secret: str) -> bytes:
    """Return the key that a secret (``whsec_`` and base64) stands for. Raises ``ValueError`` for one that is none."""
    text = secret.strip().removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("A webhook secret is whsec_ and base64") from error
    if not key:
        raise ValueError("A webhook secret may not be empty")
    return key


def sign(body: bytes, *, event_id: str, timestamp: int, secret: str) -> str:
    """Return the signature header that ``verify`` accepts, as the demo's mail catcher sends it."""
    return f"v1,{_digest(f'{event_id}.{timestamp}.'.encode() + body, secret)}"


def _is_signed(signed: bytes, given: Sequence[bytes], secret: str) -> bool:
    try:
        expected = _digest(signed, secret).encode()
    except ValueError:
        return False  # named at start-up; another secret may still match
    return any(hmac.compare_digest(expected, one) for one in given)


def _digest(signed: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(key_of(secret), signed, sha256).digest()).decode()


def _given(header: str) -> list[bytes]:
    if not header or len(header) > _LONGEST_HEADER or not header.isascii():
        raise BadSignature("The svix-signature header is missing or malformed.")
    pairs = [part.partition(",") for part in header.split(" ")]
    return [value.encode() for version, _, value in pairs if version == "v1"]
