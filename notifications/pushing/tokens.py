"""What a device registers with: checked by its form, and named by a hash."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from common.errors import FieldError, Invalid
from notifications.models import PushProvider
from notifications.pushing import hosts

# FCM does not say how its tokens look; they are text without spaces, of some 140 to 260 characters today.
_FCM_TOKEN: Final = re.compile(r"[A-Za-z0-9_:\-.]{32,1024}")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_\-]+={0,2}")
_AUTH_BYTES: Final = 16  # RFC 8291, 3.2


@dataclass(frozen=True, slots=True)
class Checked:
    """A token that may be kept; ``p256dh`` and ``auth`` are empty but for Web Push."""

    provider: PushProvider
    token: str
    token_hash: str
    p256dh: str = ""
    auth: str = ""


def checked(provider: str, token: str, keys: Mapping[str, str] | None = None) -> Checked:
    """Return what a device sent, fit to be kept. ``keys`` (Web Push): ``p256dh`` and ``auth``, as browsers give them.

    Raises ``Invalid``, naming each field that is wrong: ``provider``, ``token``, ``keys.p256dh``, ``keys.auth``.
    """
    if provider == PushProvider.FCM:
        if not _FCM_TOKEN.fullmatch(token):
            raise Invalid.field("token", "not_a_token", "This is not a token of FCM.")
        return Checked(PushProvider.FCM, token, token_hash(token))
    if provider != PushProvider.WEBPUSH:
        raise Invalid.field("provider", "unknown_choice", "Choose fcm or webpush.")
    return _browser(token, keys or {})


def token_hash(token: str) -> str:
    """Return the name under which a token is found again."""
    return hashlib.sha256(token.encode()).hexdigest()


def masked(token: str) -> str:
    """Return a token as people may see it: its end tells two apart and sends nothing."""
    return f"•••{token[-6:]}"


def _browser(endpoint: str, keys: Mapping[str, str]) -> Checked:
    errors = []
    try:
        endpoint = hosts.normal(endpoint)
    except hosts.NotAllowed as error:
        errors.append(FieldError("token", "host_not_allowed", f"{error}."))
    p256dh, auth = str(keys.get("p256dh", "")), str(keys.get("auth", ""))
    if not _is_point(p256dh):
        errors.append(FieldError("keys.p256dh", "not_a_key", "This is not a public key of P-256."))
    if len(_decoded(auth)) != _AUTH_BYTES:
        errors.append(FieldError("keys.auth", "not_a_key", "This is not a secret of 16 bytes."))
    if errors:
        raise Invalid(errors=errors)
    return Checked(PushProvider.WEBPUSH, endpoint, token_hash(endpoint), p256dh.rstrip("="), auth.rstrip("="))


def _is_point(text: str) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(text))
    except ValueError:
        return False
    return len(_decoded(text)) == 65  # RFC 8291, 3.1: uncompressed


def _decoded(text: str) -> bytes:
    if len(text) > 120 or not _BASE64URL.fullmatch(text):
        return b""
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except binascii.Error:
        return b""
