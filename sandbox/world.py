"""Everything one running sandbox consists of, and the two things all resources share: time and events."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from sandbox.config import Settings
from sandbox.delivery import Dispatcher
from sandbox.faults import Faults
from sandbox.idempotency import IdempotencyKeys
from sandbox.ids import new_id
from sandbox.outbox import Outbox
from sandbox.store import Json, Store

API_VERSION = "2026-10-28.endive"
REQUESTS_REMEMBERED = 2000


@dataclass(frozen=True)
class Origin:
    """The API request that caused a change; empty for the hosted page, the dashboard and time."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Origin()


@dataclass
class World:
    """One sandbox at work."""

    settings: Settings
    store: Store
    base_url: str
    faults: Faults = field(init=False)
    keys: IdempotencyKeys = field(init=False)
    outbox: Outbox = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=REQUESTS_REMEMBERED))
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.faults = Faults(self.store)
        self.keys = IdempotencyKeys(self.store)
        self.outbox = Outbox(self.store, self.faults, self.settings.webhook_urls)
        self.dispatcher = Dispatcher(self.store, self.outbox, self.settings.webhook_secret)

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(time.time())

    def emit(
        self, event_type: str, subject: Json, origin: Origin = NOBODY, previous: Json | None = None
    ) -> None:
        """Record an event about the object as it is now and owe it to the webhook endpoints."""
        data: Json = {"object": subject}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Json = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": subject.get("livemode", False),
            "pending_webhooks": len(self.outbox.urls),
            "request": {"id": origin.request_id, "idempotency_key": origin.idempotency_key},
            "type": event_type,
        }
        self.store.insert(event)
        self.outbox.enqueue(event, lane=subject.get("payment_intent") or subject["id"])
        self.dispatcher.wake()
