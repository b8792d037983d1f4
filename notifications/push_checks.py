"""Start-up checks: push is set up as a whole or not at all, and nothing of a stand-in is in production."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from notifications.pushing import hosts, vapid

_LENIENT = frozenset({"development", "test"})
_GOOGLE = "https://oauth2.googleapis.com/token"
_POSITIVE = (
    "PUSH_USER_RATE_PER_HOUR",
    "PUSH_CAMPAIGN_RATE_PER_HOUR",
    "PUSH_DEVICE_FAILURES",
    "PUSH_TIMEOUT_SECONDS",
    "PUSH_RETENTION_DAYS",
)


@register(Tags.security)
def push(**_: Any) -> list[CheckMessage]:
    """Name what is half or wrongly set up."""
    found = [*_fcm(), *_webpush(), *_numbers()]
    if settings.ENVIRONMENT not in _LENIENT:
        found += _production()
    return found


def _fcm() -> Iterator[CheckMessage]:
    """E010: the service account can be read."""
    if settings.FCM_CREDENTIALS_FILE and _account() is None:
        yield Error(
            "FCM_CREDENTIALS_FILE is no service account.",
            hint="Download its key as JSON from the Firebase console.",
            id="notifications.E010",
        )


def _webpush() -> Iterator[CheckMessage]:
    """E011 to E013: key and subject come together, and each is one; so is each host."""
    key, subject = settings.WEBPUSH_VAPID_PRIVATE_KEY, settings.WEBPUSH_VAPID_SUBJECT
    if bool(key) != bool(subject):
        yield Error(
            "Web Push is half set up: WEBPUSH_VAPID_PRIVATE_KEY and WEBPUSH_VAPID_SUBJECT come together.",
            hint="Set both, or neither.",
            id="notifications.E011",
        )
    elif key and (message := _wrong_pair(subject)):
        yield Error(message, hint="docs/messages.md says how to make a key.", id="notifications.E012")
    for text in settings.WEBPUSH_ALLOWED_HOSTS:
        try:
            hosts.entry_of(text)
        except ValueError:
            yield Error(
                f"WEBPUSH_ALLOWED_HOSTS: {text!r} is no host.",
                hint="Write push.example.com, or *.push.example.com.",
                id="notifications.E013",
            )


def _numbers() -> Iterator[CheckMessage]:
    """E014: limits that make sense."""
    wrong = [name for name in _POSITIVE if getattr(settings, name) <= 0]
    if wrong:
        yield Error(
            f"{', '.join(wrong)}: must be 1 or more.",
            hint="Remove it to get the default.",
            id="notifications.E014",
        )


def _production() -> Iterator[CheckMessage]:
    """E015, W016: no stand-in, and something to send by."""
    account = _account() or {}
    origins = [text for text in settings.WEBPUSH_ALLOWED_HOSTS if "://" in text]
    subject = urlsplit(settings.WEBPUSH_VAPID_SUBJECT)
    is_here = "localhost" in (subject.hostname or subject.path)
    if settings.FCM_API_BASE or origins or account.get("token_uri", _GOOGLE) != _GOOGLE or is_here:
        yield Error(
            "Push points at a stand-in: FCM_API_BASE, an origin among WEBPUSH_ALLOWED_HOSTS, another token_uri of the "
            "service account, or a subject on this machine.",
            hint="Leave FCM_API_BASE unset and list hosts only.",
            id="notifications.E015",
        )
    if not settings.FCM_CREDENTIALS_FILE and not settings.WEBPUSH_VAPID_PRIVATE_KEY:
        yield checks.Warning(
            "Push is not set up: nobody gets push messages.",
            hint="Set WEBPUSH_VAPID_PRIVATE_KEY and WEBPUSH_VAPID_SUBJECT, or FCM_CREDENTIALS_FILE.",
            id="notifications.W016",
        )


def _account() -> dict[str, Any] | None:
    """Return the service account as it lies there, None when it is none."""
    try:
        account = json.loads(Path(settings.FCM_CREDENTIALS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = ("project_id", "private_key", "client_email", "token_uri")
    is_one = isinstance(account, dict) and all(account.get(name) for name in needed)
    return account if is_one else None


def _wrong_pair(subject: str) -> str:
    try:
        vapid.public_key()
    except vapid.BadKey as error:
        return f"{error}."
    parts = urlsplit(subject)
    if parts.scheme not in {"mailto", "https"} or not (parts.netloc or "@" in parts.path):
        return "WEBPUSH_VAPID_SUBJECT is neither mailto: with an address nor https:."
    return ""
