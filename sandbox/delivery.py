"""Sending webhooks: signed, several at once, beside the API, until each endpoint answered 2xx."""

import asyncio
import contextlib
import functools
import hashlib
import hmac
import json
import ssl
import time
from urllib.parse import urlsplit

from sandbox.outbox import Delivery, Outbox
from sandbox.store import Json, Store

CONCURRENCY = 8
TIMEOUT_SECONDS = 10.0
IDLE_SECONDS = 60.0


def signature_header(secret: str, body: bytes, timestamp: int) -> str:
    """`Stripe-Signature`: HMAC-SHA256 over `timestamp.body` (docs.stripe.com/webhooks#verify-manually)."""
    signed = str(timestamp).encode() + b"." + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def event_body(event: Json) -> bytes:
    """The event as it is sent: indented JSON in UTF-8, as Stripe does."""
    return json.dumps(event, indent=2, ensure_ascii=False).encode()


class WebhookRefused(Exception):
    """The endpoint could not be reached or did not speak HTTP."""


async def post(url: str, body: bytes, signature: str) -> int:
    """POST the event and return the status; redirects are not followed. Raises `WebhookRefused`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n"
        f"Stripe-Signature: {signature}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname,
            parts.port or (443 if secure else 80),
            ssl=ssl.create_default_context() if secure else None,
        )
        writer.write(head.encode() + body)
        await writer.drain()
        status_line = await reader.readline()
        return int(status_line.split(b" ", 2)[1])
    except (OSError, ValueError, IndexError) as error:
        raise WebhookRefused(str(error) or type(error).__name__) from error
    finally:
        if writer is not None:
            writer.close()


class Dispatcher:
    """Works the outbox until it is cancelled. What was on its way when the process died is sent again."""

    def __init__(self, store: Store, outbox: Outbox, secret: str) -> None:
        self._store = store
        self._outbox = outbox
        self._secret = secret
        self._wake = asyncio.Event()
        self._running: dict[int, tuple[str, asyncio.Task[None]]] = {}

    def wake(self) -> None:
        """Look at the outbox again: something was added or became due."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._start_due()
                now = time.time()
                next_at = self._outbox.next_due_at(now)
                wait = IDLE_SECONDS if next_at is None else min(IDLE_SECONDS, next_at - now + 0.005)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait)
        finally:
            for _, task in self._running.values():
                task.cancel()

    def _start_due(self) -> None:
        while len(self._running) < CONCURRENCY:
            delivery = self._outbox.due(time.time(), [lane for lane, _ in self._running.values()])
            if delivery is None:
                return
            task = asyncio.create_task(self._deliver(delivery))
            self._running[delivery.id] = (delivery.lane, task)
            task.add_done_callback(functools.partial(self._finished, delivery.id))

    def _finished(self, delivery_id: int, _: asyncio.Task[None]) -> None:
        self._running.pop(delivery_id, None)
        self._wake.set()

    async def _deliver(self, delivery: Delivery) -> None:
        event = self._store.get("event", delivery.event_id)
        if event is None:
            return
        body = event_body({**event, "pending_webhooks": self._outbox.undelivered(delivery.event_id)})
        status: int | None = None
        problem: str | None = None
        try:
            signature = signature_header(self._secret, body, int(time.time()))
            status = await asyncio.wait_for(post(delivery.url, body, signature), TIMEOUT_SECONDS)
        except TimeoutError:
            problem = f"no answer within {TIMEOUT_SECONDS:.0f} s"
        except WebhookRefused as refused:
            problem = str(refused)
        self._outbox.record(delivery, status, problem, time.time() - event["created"])

    async def idle(self, timeout_seconds: float) -> bool:
        """Wait until nothing is due or on its way; False when the time was not enough."""
        deadline = time.monotonic() + timeout_seconds
        self.wake()
        while self._running or self._outbox.count_due(time.time()):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True

    async def drain(self, timeout_seconds: float) -> None:
        """Let what is on its way come to an end, at most this long; then cut it off."""
        tasks = [task for _, task in self._running.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
