"""The mail provider's webhooks: verified on the raw body, durable, then answered. A plain view: a hot door."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common import clock
from common.inbox.bodies import is_too_deep, read_body
from common.inbox.store import accept
from common.outbox import Lane
from notifications.errors import BadWebhook, WebhookTooLarge
from notifications.handlers import EMAIL_EVENT
from notifications.mailer.signatures import BadSignature, verify

PROVIDER = "resend"
# Resend sends neither bodies nor attachments: an event is a few kilobytes.
MAXIMUM_BYTES = 256 * 1024
_RECEIVED = b'{"received":true}'


class _Event(msgspec.Struct):
    """What is needed to store an event; the rest stays in its bytes."""

    type: str
    data: dict[str, Any]


_decoder = msgspec.json.Decoder(_Event)


@csrf_exempt
@require_POST
def resend_webhook(request: HttpRequest) -> HttpResponse:
    """Store a verified event once, by its ``svix-id``, and answer 200; a worker does the rest. One statement if new.

    Raises ``BadWebhook`` (400), and writes nothing, for what is not signed by one of our secrets, is older or newer
    than 300 s, too large, nested too deeply, or no event. A database that is away is a 5xx, so Resend delivers again.
    """
    now = clock.now()
    body = read_body(request, most=MAXIMUM_BYTES)
    if body is None:
        raise WebhookTooLarge
    event_id = request.headers.get("svix-id", "")
    try:
        verify(
            body,
            event_id=event_id,
            timestamp=request.headers.get("svix-timestamp", ""),
            signatures=request.headers.get("svix-signature", ""),
            secrets=settings.RESEND_WEBHOOK_SECRETS,
            now=now.timestamp(),
        )
    except BadSignature as error:
        raise BadWebhook(str(error)) from error
    event = _event(body)
    accept(
        provider=PROVIDER,
        livemode=True,
        event_id=event_id,
        event_type=event.type,
        api_version="",
        body=body,
        job_kind=EMAIL_EVENT,
        lane=Lane.BULK,
        now=now,
    )
    return HttpResponse(_RECEIVED, content_type="application/json")


def _event(body: bytes) -> _Event:
    """Read what is needed of an event that can be stored, worked and shown."""
    try:
        event = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadWebhook("The body is not an event.") from error
    if not (0 < len(event.type) <= 100 and event.type.isprintable()) or is_too_deep(body):
        raise BadWebhook("The body is not an event.")
    return event
