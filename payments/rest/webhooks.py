"""Stripe's webhooks: verified on the raw body, durable, then answered. A plain view, for it is a hot door."""

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
from payments.errors import BadWebhook, WebhookTooLarge
from payments.gateway.signatures import BadSignature, verify
from payments.handlers import STRIPE_EVENT

PROVIDER = "stripe"
_RECEIVED = b'{"received":true}'


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _Event(msgspec.Struct):
    """What is needed to store an event; the rest stays in its bytes."""

    id: str
    object: str
    type: str
    livemode: bool
    data: _Data
    api_version: str | None = None
    account: str | None = None


_decoder = msgspec.json.Decoder(_Event)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Store a verified event once and answer 200; a worker does the rest. One statement for a new event.

    Raises ``BadWebhook`` (400), and writes nothing, for what is not signed by one of our secrets, is older or
    newer than 300 s, too large, nested too deeply, or no event. A database that is away is a 5xx, so Stripe delivers
    again.
    """
    now = clock.now()
    body = read_body(request, most=settings.STRIPE_WEBHOOK_MAX_BYTES)
    if body is None:
        raise WebhookTooLarge
    header = request.META.get("HTTP_STRIPE_SIGNATURE", "")
    try:
        verify(body, header, settings.STRIPE_WEBHOOK_SECRETS, now=now.timestamp())
    except BadSignature as error:
        raise BadWebhook(str(error)) from error
    event = _event(body)
    accept(
        provider=PROVIDER,
        account=(event.account or "")[:100],
        livemode=event.livemode,
        event_id=event.id,
        event_type=event.type,
        api_version=(event.api_version or "")[:60],
        body=body,
        job_kind=STRIPE_EVENT,
        lane=Lane.MONEY,
        now=now,
    )
    return HttpResponse(_RECEIVED, content_type="application/json")


def _event(body: bytes) -> _Event:
    """Read what is needed of an event that can be stored, worked and shown."""
    try:
        event = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadWebhook("The body is not an event.") from error
    if event.object != "event" or not 0 < len(event.id) <= 255 or len(event.type) > 100:
        raise BadWebhook("The body is not an event.")
    kept = f"{event.id}{event.type}{event.account or ''}{event.api_version or ''}"
    if not kept.isprintable() or is_too_deep(body):
        raise BadWebhook("The body is not an event.")
    return event
