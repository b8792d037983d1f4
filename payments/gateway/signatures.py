"""Verifying what Stripe signed, over the bytes as they came.

By ``hmac`` itself: the library's ``WebhookSignature`` decodes the body and formats it twice, raises
``TypeError`` for a signature that is not ASCII and ``UnicodeDecodeError`` for a body that is not UTF-8, takes
timestamps of the future, and knows one secret; here each of these is a plain refusal. A test holds the two
together on what both accept.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

TOLERANCE_SECONDS = 300
_SCHEME = "v1"
_LONGEST_HEADER = 4096


class BadSignature(Exception):
    """The request is not, or not any more, one that Stripe signed for us; the message says why."""


def verify(body: bytes, header: str, secrets: Sequence[str], *, now: float) -> None:
    """Accept a body whose header carries a ``v1`` signature under one of the secrets (several while
    rotating).

    ``now`` is in Unix seconds; the timestamp may lie 300 s before or after it. Raises ``BadSignature``.
    """
    timestamp, signatures = _parts(header)
    signed = b"%d.%b" % (timestamp, body)
    for secret in secrets:
        if secret.strip():
            expected = hmac.new(secret.encode(), signed, sha256).hexdigest().encode()
            if any(hmac.compare_digest(expected, signature) for signature in signatures):
                break
    else:
        raise BadSignature("No signature matches.")
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise BadSignature("The timestamp is too far from now.")


def _parts(header: str) -> tuple[int, list[bytes]]:
    if not header or len(header) > _LONGEST_HEADER or not header.isascii():
        raise BadSignature("The Stripe-Signature header is missing or malformed.")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    if len(timestamps) != 1 or not timestamps[0].isdigit() or len(timestamps[0]) > 12:
        raise BadSignature("The Stripe-Signature header names no time.")
    return int(timestamps[0]), [value.encode() for name, _, value in pairs if name == _SCHEME]
