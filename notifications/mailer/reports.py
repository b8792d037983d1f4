"""What a verified event of Resend says: read by django-anymail and, where that guesses, from the event itself.

Anymail knows neither ``email.failed`` nor ``email.suppressed``, and takes a bounce's kind from its English sentence.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from anymail.signals import AnymailTrackingEvent

from common.outbox.failures import mask_text
from notifications.addresses import mask_addresses
from notifications.mailer.resend import TAG
from notifications.models import EmailEventKind

_LONGEST_DETAIL = 500
_KINDS = {
    "email.sent": EmailEventKind.SENT,
    "email.delivery_delayed": EmailEventKind.DELAYED,
    "email.delivered": EmailEventKind.DELIVERED,
    "email.failed": EmailEventKind.FAILED,
    "email.suppressed": EmailEventKind.SUPPRESSED,
    "email.bounced": EmailEventKind.BOUNCED,
    "email.complained": EmailEventKind.COMPLAINED,
    "email.opened": EmailEventKind.OPENED,
    "email.clicked": EmailEventKind.CLICKED,
}
# Resend: the part of ``data`` that tells why.
_WHY = {"email.bounced": "bounce", "email.failed": "failed", "email.suppressed": "suppressed"}
_PERMANENT = "permanent"
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class Unreadable(Exception):
    """It is an event of an e-mail, and nobody can say which or what."""


@dataclass(frozen=True, slots=True)
class Report:
    """One event in our words. ``named_id``: our e-mail, where the event names it; ``occurred_at`` None: not said."""

    kind: EmailEventKind
    named_id: UUID | None
    provider_message_id: str
    recipient: str
    detail: str
    occurred_at: datetime | None


@cache
def _reader() -> Any:
    """Return anymail's reading of an event, without its door: what comes here was verified before it was stored."""
    # Not above: no process shall start with the half second that the library behind it takes to load.
    from anymail.webhooks.resend import ResendTrackingWebhookView

    class Reader(ResendTrackingWebhookView):  # type: ignore[misc]
        def __init__(self) -> None:
            """Ask for no secret."""

    return Reader()


def read(event_id: str, body: bytes) -> Report | None:
    """Return what the event says; None for one that is not about an e-mail's way. Raises ``Unreadable``."""
    try:
        return _report(event_id, json.loads(body))
    except ValueError as error:
        raise Unreadable("It has a number that cannot be read.") from error
    except RecursionError as error:
        raise Unreadable("It is nested too deeply.") from error


def _report(event_id: str, event: dict[str, Any]) -> Report | None:
    kind = _KINDS.get(event["type"])
    if kind is None:
        return None
    data = _tidy(event["data"])
    found = _by_anymail(event_id, {**event, "data": data})
    if kind == EmailEventKind.BOUNCED and not _is_permanent(data):
        kind = EmailEventKind.SOFT_BOUNCED
    named = _named(data, found.metadata)
    if named is None and not _line(found.message_id):
        raise Unreadable("It names no e-mail.")
    return Report(
        kind=kind,
        named_id=named,
        provider_message_id=_line(found.message_id)[:255],
        recipient=_line(found.recipient),
        detail=_detail(data.get(_WHY.get(event["type"], ""))),
        occurred_at=_moment(found.timestamp),
    )


def _by_anymail(event_id: str, event: dict[str, Any]) -> AnymailTrackingEvent:
    try:
        return _reader().esp_to_anymail_event(event, SimpleNamespace(headers={"svix-id": event_id}))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"It has another shape than Resend's: {type(error).__name__}") from error


def _tidy(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what anymail would stumble over: empty parts, and bounces and headers of another shape."""
    tidy = {name: value for name, value in data.items() if value is not None}
    bounce = tidy.get("bounce")
    if not isinstance(bounce, dict) or not isinstance(bounce.get("message"), str):
        tidy["bounce"] = {**(bounce if isinstance(bounce, dict) else {}), "message": ""}
    headers = tidy.get("headers")
    if not isinstance(headers, list) or not all(_is_header(one) for one in headers):
        tidy.pop("headers", None)
    return tidy


def _is_header(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str)


def _is_permanent(data: Mapping[str, Any]) -> bool:
    """Say whether the box is lost. What the provider does not call permanent may work again."""
    return str(data["bounce"].get("type", "")).lower() == _PERMANENT


def _named(data: Mapping[str, Any], metadata: object) -> UUID | None:
    """Return our e-mail: by the tag that we send, by metadata, or by the ``Message-ID``, which begins with its id."""
    tags = data.get("tags")
    message_ids = [one["value"] for one in data.get("headers", ()) if one["name"].lower() == "message-id"]
    for value in (
        tags.get(TAG) if isinstance(tags, dict) else None,
        metadata.get(TAG) if isinstance(metadata, dict) else None,
        *(one.strip().lstrip("<").partition("@")[0] for one in message_ids),
    ):
        try:
            return UUID(value)
        except (AttributeError, TypeError, ValueError):
            continue
    return None


def _detail(why: object) -> str:
    """Return why, in the provider's words, on one line and without addresses."""
    if not isinstance(why, dict):
        return ""
    words = [why.get(name) for name in ("type", "subType", "reason", "message")]
    line = _line(" · ".join(word for word in words if isinstance(word, str) and word))
    return mask_text(mask_addresses(line))[:_LONGEST_DETAIL]


def _line(value: object) -> str:
    """Return text on one line, without what PostgreSQL would not keep: remote servers answer with any bytes."""
    return " ".join("".join(one if one.isprintable() else " " for one in str(value or "")).split())


def _moment(moment: datetime | None) -> datetime | None:
    """Return when it happened; None where it is not said, or what is said was before there was any e-mail of ours."""
    return moment if moment is not None and moment.tzinfo is not None and moment >= _FIRST else None
