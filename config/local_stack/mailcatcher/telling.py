"""Telling the product what became of a caught message, as Resend would: a signed event, at its webhook."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

# What Svix's own library signs with; that one takes most of a second to import.
from standardwebhooks.webhooks import Webhook

from config.local_stack.mailcatcher.store import Message

_SECONDS = 10.0
# What the buttons say: (the event's type, its button, what goes along).
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "delivered": ("email.delivered", "Delivered", {}),
    "bounced": (
        "email.bounced",
        "Bounced",
        {"bounce": {"type": "Permanent", "subType": "General", "message": "The mailbox does not exist."}},
    ),
    "full": (
        "email.bounced",
        "Mailbox full",
        {"bounce": {"type": "Transient", "subType": "MailboxFull", "message": "The mailbox is full."}},
    ),
    "complained": ("email.complained", "Called unwanted", {}),
}


@dataclass(frozen=True)
class Teller:
    """Knows the product's webhook and the secret that it trusts."""

    url: str
    secret: str

    def tell(self, message: Message, kind: str) -> int | None:
        """Tell it of one message and return the status of its answer; None when it does not answer."""
        event_type, _, more = KINDS[kind]
        now = datetime.now(UTC)
        body = json.dumps(
            {"type": event_type, "created_at": now.isoformat(), "data": {**_about(message), **more}}
        )
        event_id = f"msg_{uuid.uuid4().hex}"
        headers = {
            "Content-Type": "application/json",
            "svix-id": event_id,
            "svix-timestamp": str(int(now.timestamp())),
            "svix-signature": Webhook(self.secret).sign(event_id, now, body),
        }
        try:
            return httpx.post(self.url, content=body.encode(), headers=headers, timeout=_SECONDS).status_code
        except httpx.HTTPError:
            return None


def _about(message: Message) -> dict[str, Any]:
    """Return what an event says of its e-mail; sent by SMTP its ``Message-ID`` is all the id that it has."""
    message_id = str(message.parsed.get("Message-ID") or "").strip()
    return {
        "created_at": message.received_at.isoformat(),
        "email_id": message_id,
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.subject,
        "headers": [{"name": "Message-ID", "value": message_id}],
    }
