"""Resend by django-anymail, with its idempotency key: the same e-mail twice is one e-mail for 24 hours.

Each carries our id as a tag of the provider's, which its events repeat and the recipient never sees.
"""

from typing import Any

from anymail.backends.resend import EmailBackend as AnymailBackend
from anymail.backends.resend import ResendPayload

# Resend: idempotency keys live 24 hours; an hour is left for clocks and slow lines.
KEY_LIVES_HOURS = 23
TAG = "email_id"


class IdempotentPayload(ResendPayload):  # type: ignore[misc]
    """A payload whose request carries ``Idempotency-Key`` (as a header of the message it would only be mailed)."""

    def __init__(self, message: Any, defaults: Any, backend: Any) -> None:
        super().__init__(message, defaults, backend)
        self.headers["Idempotency-Key"] = message.idempotency_key
        self.data["tags"] = [{"name": TAG, "value": message.email_id}]


class EmailBackend(AnymailBackend):  # type: ignore[misc]
    """Sends through Resend; each message must carry ``idempotency_key`` and ``email_id``."""

    def build_message_payload(self, message: Any, defaults: Any) -> IdempotentPayload:
        """Return the request for one message."""
        return IdempotentPayload(message, defaults, self)
