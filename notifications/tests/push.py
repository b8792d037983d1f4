"""Devices and push messages to speak of in tests."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import User
from accounts.tests.factories import make_user
from common.outbox import Lane
from common.outbox.testing import run_due as run_lanes
from config.local_stack.pushcatcher.testing import Subscription
from notifications.models import PushDelivery, PushDevice, PushMessage
from notifications.push import PushMessage as NewPush
from notifications.pushing.tokens import token_hash
from notifications.services.push import queueing

NOON = datetime(2096, 5, 4, 12, 0, tzinfo=UTC)
_numbers = count(1)


def run_due(now: datetime) -> int:
    """Work what is due of push, and say how many jobs those were: the other lanes are looked at elsewhere."""
    return run_lanes(now, lanes=[Lane.URGENT_MAIL, Lane.BULK])


def at(seconds: float) -> datetime:
    """Return noon and so many seconds."""
    return NOON + timedelta(seconds=seconds)


def make_device(
    user: User | None = None, *, browser: Subscription | None = None, **fields: Any
) -> PushDevice:
    """Register a phone, or the browser that is given."""
    token = browser.endpoint if browser else f"phone-{next(_numbers)}-{'x' * 40}"
    keys = browser.keys if browser else {}
    given: dict[str, Any] = {
        "user": user or make_user(),
        "provider": "webpush" if browser else "fcm",
        "platform": "web" if browser else "android",
        "token": token,
        "token_hash": token_hash(token),
        "p256dh": keys.get("p256dh", ""),
        "auth": keys.get("auth", ""),
        "last_seen_at": NOON,
        "registered_at": NOON - timedelta(days=1),
        "created_at": NOON - timedelta(days=1),
    }
    return PushDevice.objects.create(**given | fields)


def new_push(user: User, **changes: Any) -> NewPush:
    """Return a message; what is not said is as good as anything."""
    given: dict[str, Any] = {
        "user_id": user.pk,
        "kind": "announcements",
        "title": "Doors open at nine",
        "body": "Bring your ticket.",
        "dedupe_key": f"test:{next(_numbers)}",
        "data": {"url": "https://example.test/e"},
    }
    return NewPush(**given | changes)


def queue_push(user: User, *, now: datetime = NOON, **changes: Any) -> PushMessage:
    """Queue one message to somebody who has a device, and return it."""
    written = queueing.queue([new_push(user, **changes)], now=now)
    return PushMessage.objects.get(id=written.message_ids[0])


def stored(message: PushMessage) -> PushMessage:
    """Return the message as the database has it."""
    return PushMessage.objects.get(pk=message.pk)


def delivery_of(message: PushMessage) -> PushDelivery:
    """Return its only delivery."""
    return PushDelivery.objects.get(message=message)
