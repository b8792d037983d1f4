"""Tokens of served ads: what was decided, signed, so that one decision is counted once and for whom it was made.

A token is 99 bytes and the first 192 bits of their HMAC-SHA256, in URL-safe base64. It names the decision, the
ad, the event, the placement, the session, the viewer, and when it was issued and ends; all of it is signed, none
of it is secret. Keys: ``SECRET_KEY``, and for reading ``SECRET_KEY_FALLBACKS`` while a key is changed.
"""

import binascii
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils.encoding import force_bytes

from ads.errors import TokenInvalid
from ads.models import AdPlacement

_VERSION: Final = 1
# Version, placement, whether there is a session; decision, ad, event, session, viewer; issued, ends (microseconds).
_LAYOUT: Final = Struct(">BB?16s16s16s16s16sqq")
_MAC_BYTES: Final = 24
# A multiple of three bytes, so every character carries six bits and no other text reads as the same token.
LENGTH: Final = (_LAYOUT.size + _MAC_BYTES) // 3 * 4
# Never change one: tokens that are out would name another placement.
_NUMBERS: Final[dict[str, int]] = {
    AdPlacement.EVENT_HERO: 1,
    AdPlacement.SESSION_BREAK: 2,
    AdPlacement.SIDEBAR: 3,
    AdPlacement.IN_FEED: 4,
    AdPlacement.LIVE_OVERLAY: 5,
    AdPlacement.CHECKOUT: 6,
}
_PLACEMENTS: Final = {number: str(placement) for placement, number in _NUMBERS.items()}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NO_SESSION: Final = bytes(16)
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Claims:
    """What one served ad is: the decision's own id, what was shown where, to whom, and until when it counts."""

    decision_id: UUID
    ad_id: UUID
    event_id: UUID
    placement: str
    session_id: UUID | None
    viewer: UUID
    issued_at: datetime
    expires_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Say whether the token counts no more: it does in ``[issued_at, expires_at)``."""
        return now >= self.expires_at

    @property
    def issue_day(self) -> date:
        """The UTC day it was issued, which names the partition of its events."""
        return self.issued_at.astimezone(UTC).date()


def issue(claims: Claims) -> str:
    """Return the token of these claims: 164 characters that need no escape in a URL."""
    payload = _LAYOUT.pack(
        _VERSION,
        _NUMBERS[claims.placement],
        claims.session_id is not None,
        claims.decision_id.bytes,
        claims.ad_id.bytes,
        claims.event_id.bytes,
        claims.session_id.bytes if claims.session_id is not None else _NO_SESSION,
        claims.viewer.bytes,
        (claims.issued_at - _EPOCH) // _MICROSECOND,
        (claims.expires_at - _EPOCH) // _MICROSECOND,
    )
    return urlsafe_b64encode(payload + _mac(settings.SECRET_KEY, payload)).decode()


def read(token: str) -> Claims:
    """Return what a token of ours claims, also when it is over: ask ``is_over``.

    Raises ``TokenInvalid`` for any other text. The comparison takes constant time.
    """
    raw = _decoded(token)
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(hmac.compare_digest(_mac(key, payload), mac) for key in keys):
        raise TokenInvalid
    version, number, has_session, decision, ad, event, session, viewer, issued, ends = _LAYOUT.unpack(payload)
    if version != _VERSION or number not in _PLACEMENTS:
        raise TokenInvalid
    return Claims(
        decision_id=UUID(bytes=decision),
        ad_id=UUID(bytes=ad),
        event_id=UUID(bytes=event),
        placement=_PLACEMENTS[number],
        session_id=UUID(bytes=session) if has_session else None,
        viewer=UUID(bytes=viewer),
        issued_at=_EPOCH + issued * _MICROSECOND,
        expires_at=_EPOCH + ends * _MICROSECOND,
    )


def _decoded(token: str) -> bytes:
    if len(token) != LENGTH or not token.isascii() or "+" in token or "/" in token:
        raise TokenInvalid
    try:
        return binascii.a2b_base64(token.encode().translate(_STANDARD), strict_mode=True)
    except binascii.Error as error:
        raise TokenInvalid from error


def _mac(secret: str | bytes, payload: bytes) -> bytes:
    return hmac.digest(_key(secret), payload, "sha256")[:_MAC_BYTES]


@lru_cache(maxsize=8)
def _key(secret: str | bytes) -> bytes:
    """Derive a key of our own, so that nothing signed elsewhere in the house passes here."""
    return sha256(b"ads.decision.tokens:" + force_bytes(secret)).digest()
