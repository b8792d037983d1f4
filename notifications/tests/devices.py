"""Devices to speak of in tests."""

import base64
from datetime import datetime
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.models import User
from accounts.tests.factories import NOW
from notifications.models import PushDevice
from notifications.pushing.tokens import token_hash

_numbers = count(1)


def fcm_token() -> str:
    """Return a token of the form that FCM gives."""
    return f"token-{next(_numbers):04}:{'A' * 140}"


def subscription(endpoint: str | None = None) -> dict[str, Any]:
    """Return a browser's subscription as the door takes it, with keys of its own."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "provider": "webpush",
        "platform": "web",
        "token": endpoint or f"https://fcm.googleapis.com/fcm/send/browser-{next(_numbers)}",
        "keys": {"p256dh": _text(raw), "auth": _text(b"sixteen bytes ok")},
    }


def phone(token: str | None = None, **more: Any) -> dict[str, Any]:
    """Return what an app registers a phone with."""
    return {"provider": "fcm", "platform": "android", "token": token or fcm_token(), **more}


def make_device(user: User, *, now: datetime = NOW, **fields: Any) -> PushDevice:
    """Create a phone of a person."""
    token = fields.pop("token", None) or fcm_token()
    given = {"provider": "fcm", "platform": "android", "token": token, "token_hash": token_hash(token)}
    times = {"last_seen_at": now, "registered_at": now, "created_at": now}
    return PushDevice.objects.create(user=user, **given | times | fields)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
