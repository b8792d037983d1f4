"""Webhooks that are owed: one row per event and endpoint, written in the transaction that made the event."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.faults import Faults, WebhookFault
from sandbox.store import Json, Store

# Seconds until the next attempt; the last one repeats until the event is three days old, as at Stripe.
BACKOFF = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
GIVE_UP_AFTER_SECONDS = 3 * 24 * 3600


@dataclass(frozen=True)
class Delivery:
    """One attempt to make. Deliveries of one lane never overtake each other on their first attempt."""

    id: int
    event_id: str
    url: str
    lane: str
    attempts: int


class Outbox:
    """The queue of deliveries with its faults; states: pending, held, delivered, dropped, failed."""

    def __init__(self, store: Store, faults: Faults, urls: Iterable[str]) -> None:
        self._store = store
        self._db = store.db
        self._faults = faults
        self.urls = tuple(urls)

    def enqueue(self, event: Json, lane: str) -> None:
        """Owe the event to every endpoint, as the webhook fault in force wants it."""
        fault = self._faults.take("webhooks", tuple(WebhookFault), event["type"])
        mode = fault.mode if fault else None
        next_at = time.time() + (fault.delay_seconds if fault and mode == WebhookFault.DELAY else 0)
        state = {WebhookFault.DROP.value: "dropped", WebhookFault.REORDER.value: "held"}.get(
            mode or "", "pending"
        )
        hold = fault.id if fault and mode == WebhookFault.REORDER else None
        for url in self.urls:
            self._insert(event["id"], url, f"{lane}@{url}", state, hold, next_at)
            if mode == WebhookFault.DUPLICATE:
                # A lane of its own: the copy arrives at the same time, not afterwards.
                self._insert(event["id"], url, f"{lane}@{url}#copy", state, hold, next_at)
        if hold is not None and fault and fault.exhausted:
            self.release_held(hold)

    def _insert(
        self, event_id: str, url: str, lane: str, state: str, hold: int | None, next_at: float
    ) -> None:
        self._db.execute(
            "INSERT INTO deliveries (event_id, url, lane, position, state, hold, next_at)"
            " VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) + 1 FROM deliveries), ?, ?, ?)",
            (event_id, url, lane, state, hold, next_at),
        )

    def release_held(self, hold: int | None = None) -> None:
        """Let held deliveries go, the last one first; those of one fault, or all."""
        self._db.execute(
            "UPDATE deliveries SET state = 'pending', lane = 'reorder@' || url, position = -position,"
            " next_at = ? WHERE state = 'held' AND (? IS NULL OR hold = ?)",
            (time.time(), hold, hold),
        )

    def make_all_due(self) -> None:
        """Held, delayed and backed-off deliveries are due now; a half-filled reordering is ended."""
        self._faults.end("webhooks", WebhookFault.REORDER)
        self.release_held()
        self._db.execute("UPDATE deliveries SET next_at = ? WHERE state = 'pending'", (time.time(),))

    def clear(self) -> None:
        """Owe nothing to anybody."""
        self._db.execute("DELETE FROM deliveries")

    def due(self, now: float, busy_lanes: Iterable[str]) -> Delivery | None:
        """The next delivery to attempt whose lane is free."""
        row = self._db.execute(
            "SELECT id, event_id, url, lane, attempts FROM deliveries"
            " WHERE state = 'pending' AND next_at <= ?"
            " AND lane NOT IN (SELECT value FROM json_each(?)) ORDER BY next_at, position LIMIT 1",
            (now, json.dumps(list(busy_lanes))),
        ).fetchone()
        return None if row is None else Delivery(**row)

    def count_due(self, now: float) -> int:
        """How many wait to be attempted now."""
        row = self._db.execute(
            "SELECT count(*) FROM deliveries WHERE state = 'pending' AND next_at <= ?", (now,)
        ).fetchone()
        return int(row[0])

    def next_due_at(self, now: float) -> float | None:
        """When the next delivery that is not due yet will be."""
        row = self._db.execute(
            "SELECT min(next_at) FROM deliveries WHERE state = 'pending' AND next_at > ?", (now,)
        ).fetchone()
        return None if row[0] is None else float(row[0])

    def record(self, delivery: Delivery, status: int | None, error: str | None, event_age: float) -> None:
        """Note what an attempt came to; anything but 2xx is tried again later."""
        attempts = delivery.attempts + 1
        delivered = status is not None and 200 <= status < 300
        state = "delivered" if delivered else "failed" if event_age > GIVE_UP_AFTER_SECONDS else "pending"
        wait = BACKOFF[min(attempts, len(BACKOFF)) - 1]
        self._db.execute(
            "UPDATE deliveries SET state = ?, attempts = ?, last_status = ?, last_error = ?, next_at = ?"
            " WHERE id = ?",
            (state, attempts, status, error, time.time() + wait, delivery.id),
        )

    def undelivered(self, event_id: str) -> int:
        """How many endpoints have not answered 2xx to this event."""
        row = self._db.execute(
            "SELECT count(*) FROM deliveries WHERE event_id = ? AND state <> 'delivered'", (event_id,)
        ).fetchone()
        return int(row[0])

    def counts(self) -> dict[str, int]:
        """How many deliveries there are in each state."""
        rows = self._db.execute("SELECT state, count(*) AS number FROM deliveries GROUP BY state")
        found = {row["state"]: row["number"] for row in rows}
        return {state: found.get(state, 0) for state in ("pending", "held", "delivered", "dropped", "failed")}

    def rows(self, limit: int) -> list[Json]:
        """The latest deliveries, newest first, with the type of their event."""
        rows = self._db.execute(
            "SELECT d.id, d.event_id, o.type, d.url, d.state, d.attempts, d.last_status, d.last_error,"
            " d.next_at FROM deliveries d JOIN objects o ON o.id = d.event_id ORDER BY d.id DESC LIMIT ?",
            (limit,),
        )
        return [dict(row) for row in rows]
