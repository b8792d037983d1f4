"""Who we are to push services: a key pair of our own (RFC 8292)."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from py_vapid import Vapid02, VapidException
from py_vapid.utils import b64urlencode

# RFC 8292, 2: a day at most; clocks of push services may be ahead of ours.
_GOOD_FOR: Final = timedelta(hours=12)


class BadKey(ValueError):
    """``WEBPUSH_VAPID_PRIVATE_KEY`` is no private key of P-256."""


def public_key() -> str:
    """Return the key that a browser subscribes with (``applicationServerKey``), in base64url. Raises ``BadKey``."""
    key = _pair(settings.WEBPUSH_VAPID_PRIVATE_KEY).public_key
    return str(b64urlencode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)))


def public_key_or_none() -> str | None:
    """Return the key as ``public_key`` does, or None where push to browsers is not set up."""
    try:
        return public_key() if settings.WEBPUSH_VAPID_PRIVATE_KEY else None
    except BadKey:
        # Start-up checks name it; until it is mended no browser is asked to subscribe.
        return None


def headers_for(endpoint: str, *, now: datetime) -> dict[str, str]:
    """Return a fresh signature for this push service. Raises ``BadKey``, also for a subject that is none."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + _GOOD_FOR).timestamp()),
        "sub": settings.WEBPUSH_VAPID_SUBJECT,
    }
    try:
        return dict(_pair(settings.WEBPUSH_VAPID_PRIVATE_KEY).sign(claims))
    except VapidException as error:
        raise BadKey(f"WEBPUSH_VAPID_SUBJECT: {error}") from error


@lru_cache(maxsize=4)
def _pair(private: str) -> Any:
    try:
        return Vapid02.from_string(private)
    except (ValueError, TypeError) as error:
        raise BadKey("WEBPUSH_VAPID_PRIVATE_KEY is no private key of P-256") from error
