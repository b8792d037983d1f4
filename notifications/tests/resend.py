"""Resend's side for tests: its events, signed, and its HTTP as far as sending needs it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from uuid import UUID

from django.test import Client

from common import clock
from notifications.mailer import signatures

URL = "/api/v1/webhooks/resend"
SECRET = "whsec_dGVzdC13ZWJob29rLXNlY3JldA=="
_numbers = count(1)


def event(
    kind: str, ours: UUID | None = None, /, *, at: str = "2026-05-04T12:01:00.000Z", **data: Any
) -> bytes:
    """Return an event's body as Resend sends it, about our e-mail where one is named."""
    about: dict[str, Any] = {
        "created_at": "2026-05-04T12:00:01.000Z",
        "email_id": "re-1",
        "from": "Marquee <no-reply@marquee.test>",
        "to": ["ada@example.com"],
        "subject": "Your code",
    }
    if ours is not None:
        about["tags"] = {"email_id": str(ours)}
    return json.dumps({"type": f"email.{kind}", "created_at": at, "data": {**about, **data}}).encode()


def headers(
    body: bytes, *, event_id: str | None = None, secret: str = SECRET, at: float | None = None
) -> dict[str, str]:
    """Return what Resend signs an event with."""
    event_id = event_id or f"msg_{next(_numbers)}"
    moment = int(clock.now().timestamp() if at is None else at)
    signature = signatures.sign(body, event_id=event_id, timestamp=moment, secret=secret)
    return {"svix-id": event_id, "svix-timestamp": str(moment), "svix-signature": signature}


def deliver(client: Client, body: bytes, given: dict[str, str] | None = None) -> Any:
    """Post an event to our door."""
    return client.post(
        URL, body, content_type="application/json", headers=headers(body) if given is None else given
    )


class Provider(ThreadingHTTPServer):
    """Keeps idempotency keys as Resend does: the same request twice is one e-mail, another under its key a 409.

    ``answers`` are (status, body, headers) in turn; then 200. ``hold`` is asked before each answer.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.emails: dict[str, dict[str, Any]] = {}
        # The number of requests after which none is answered until the test says so, and what says so.
        self.silent_after: int | None = None
        self.is_silent = threading.Event()
        self.may_answer = threading.Event()

    def take(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Take an e-mail, once for its key."""
        self.requests.append((key, body))
        if self.emails.setdefault(key, body) != body:
            return 409, {"name": "invalid_idempotent_request", "message": "Same key, another body"}
        return 200, {"id": f"re-{key}"}


class _Answer(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.take(self.headers["Idempotency-Key"], body)
        if self.server.silent_after is not None and len(self.server.requests) > self.server.silent_after:
            self.server.is_silent.set()
            self.server.may_answer.wait(60)
            self.close_connection = True
            return
        if self.server.answers:
            status, answer, _ = self.server.answers.pop(0)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Keep quiet."""


@contextmanager
def provider() -> Iterator[Provider]:
    """Run Resend's side."""
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


def settings_for(server: Provider) -> dict[str, Any]:
    """Return the settings that send through it, as many a second as the test likes: its clock may stand still."""
    return {
        "EMAIL_RATE_PER_SECOND": 0,
        "EMAIL_BACKEND": "notifications.mailer.resend.EmailBackend",
        "DEFAULT_FROM_EMAIL": "Marquee <no-reply@marquee.test>",
        "ANYMAIL": {
            "RESEND_API_KEY": "re_test",
            "RESEND_API_URL": f"http://127.0.0.1:{server.server_port}/",
            "REQUESTS_TIMEOUT": 60,
        },
    }
