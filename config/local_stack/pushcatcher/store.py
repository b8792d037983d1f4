"""What came for which device, and the browsers that we play: in one SQLite file, bounded in number."""

import base64
import json
import os
import secrets
import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

MOST_PUSHES = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS push (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, service TEXT NOT NULL, device TEXT NOT NULL,
    tag TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1, title TEXT NOT NULL, body TEXT NOT NULL,
    payload TEXT NOT NULL, headers TEXT NOT NULL, UNIQUE (service, device, tag)
);
CREATE TABLE IF NOT EXISTS browser (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, private_key BLOB NOT NULL, auth BLOB NOT NULL,
    is_gone INTEGER NOT NULL DEFAULT 0
);
"""
# What a second copy of a message does to the first is what a device does: it replaces it.
_ADD = """
INSERT INTO push (received_at, service, device, tag, title, body, payload, headers)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (service, device, tag) DO UPDATE SET times = times + 1, title = excluded.title, body = excluded.body,
    payload = excluded.payload, headers = excluded.headers
"""
_COLUMNS = "id, received_at, service, device, tag, times, title, body, payload, headers"


@dataclass(frozen=True)
class Push:
    """One message as a device would show it; ``times``: how often it came."""

    id: int
    received_at: datetime
    service: str
    device: str
    tag: str
    times: int
    title: str
    body: str
    payload: dict[str, Any] = field(hash=False)
    headers: dict[str, str] = field(hash=False)


@dataclass(frozen=True)
class Browser:
    """A subscription that we hold the keys of."""

    id: str
    name: str
    private_key: ec.EllipticCurvePrivateKey
    auth: bytes
    is_gone: bool = False

    @property
    def keys(self) -> dict[str, str]:
        """The keys as a browser tells them."""
        point = self.private_key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"p256dh": _base64(point), "auth": _base64(self.auth)}

    def read(self, body: bytes) -> dict[str, Any]:
        """Decrypt as the browser would (RFC 8291), and read the JSON in it. Raises what ``http_ece`` raises."""
        plain = http_ece.decrypt(
            body, private_key=self.private_key, auth_secret=self.auth, version="aes128gcm"
        )
        read: dict[str, Any] = json.loads(plain)
        return read


class PushStore:
    """Safe to use from several threads; the oldest messages go when there are too many."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            data_dir / "push.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_TABLES)

    def add(
        self,
        *,
        service: str,
        device: str,
        tag: str,
        title: str,
        body: str,
        payload: dict[str, Any],
        headers: dict[str, str],
    ) -> None:
        """Keep a message; one of the same tag on the same device is replaced, and counted."""
        received = datetime.now(UTC).isoformat()
        values = (service, device, tag, title, body, json.dumps(payload), json.dumps(headers))
        with self._lock:
            self._connection.execute(_ADD, (received, *values))
            self._connection.execute(
                "DELETE FROM push WHERE id <= (SELECT max(id) FROM push) - ?", (MOST_PUSHES,)
            )

    def newest(self, *, limit: int) -> list[Push]:
        """List messages, newest first."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM push ORDER BY id DESC LIMIT ?",  # noqa: S608 constants
                (limit,),
            ).fetchall()
        return [_push(*row) for row in rows]

    def count(self) -> int:
        """Count the messages."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM push").fetchone()[0])

    def subscribe(self, name: str) -> Browser:
        """Be a browser that subscribes."""
        key = ec.generate_private_key(ec.SECP256R1())
        browser = Browser(secrets.token_urlsafe(24), name, key, os.urandom(16))
        private = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with self._lock:
            self._connection.execute(
                "INSERT INTO browser (id, name, private_key, auth) VALUES (?, ?, ?, ?)",
                (browser.id, name, private, browser.auth),
            )
        return browser

    def unsubscribe(self, browser_id: str) -> None:
        """Be a browser that takes no more; its push service answers 410 from now on."""
        with self._lock:
            self._connection.execute("UPDATE browser SET is_gone = 1 WHERE id = ?", (browser_id,))

    def browser(self, browser_id: str) -> Browser | None:
        """Give one subscription, None when it never was."""
        with self._lock:
            row = self._connection.execute(
                "SELECT id, name, private_key, auth, is_gone FROM browser WHERE id = ?", (browser_id,)
            ).fetchone()
        if row is None:
            return None
        key = serialization.load_der_private_key(row[2], None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 what we wrote
        return Browser(row[0], row[1], key, bytes(row[3]), bool(row[4]))

    def clear(self) -> None:
        """Delete all messages; subscriptions stay."""
        with self._lock:
            self._connection.execute("DELETE FROM push")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _push(number: int, received: str, *values: Any) -> Push:
    service, device, tag, times, title, body, payload, headers = values
    return Push(
        number,
        datetime.fromisoformat(received),
        service,
        device,
        tag,
        times,
        title,
        body,
        json.loads(payload),
        json.loads(headers),
    )


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
