"""Caught messages in one SQLite file: newest first, bounded in number."""

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

MOST_MESSAGES = 1000

_TABLE = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    raw BLOB NOT NULL
)
"""


@dataclass(frozen=True)
class Message:
    """One caught e-mail: its envelope, and what its bytes say."""

    id: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def parsed(self) -> EmailMessage:
        """The message, decoded leniently: a catcher shows broken mail too."""
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)  # noqa: S101 what policy.default makes
        return parsed

    @property
    def subject(self) -> str:
        """The subject, or a dash for none."""
        return str(self.parsed.get("subject") or "-")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers in their order."""
        return [(name, str(value)) for name, value in self.parsed.items()]

    @property
    def text(self) -> str:
        """The plain text part; empty when there is none."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML part; empty when there is none."""
        return self._body("html")

    @property
    def attachments(self) -> list[tuple[str, str, bytes]]:
        """Name, media type and content of each attached file."""
        parts = [part for part in self.parsed.iter_attachments() if not part.is_multipart()]
        found = [(part, part.get_payload(decode=True)) for part in parts]
        return [
            (
                part.get_filename() or "unnamed",
                part.get_content_type(),
                content if isinstance(content, bytes) else b"",
            )
            for part, content in found
        ]

    def _body(self, kind: str) -> str:
        part = self.parsed.get_body(preferencelist=(kind,))
        if part is None:
            return ""
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset() or "utf-8"
        if not isinstance(payload, bytes):
            return ""
        with contextlib.suppress(LookupError):
            return payload.decode(charset, errors="replace")
        return payload.decode("utf-8", errors="replace")


class MailStore:
    """The messages, safe to use from several threads; the oldest go when there are too many."""

    def __init__(self, data_dir: Path, *, most: int = MOST_MESSAGES) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._most = most
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            data_dir / "mail.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(_TABLE)

    def add(self, *, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Keep a message."""
        received = datetime.now(UTC).isoformat()
        with self._lock:
            self._connection.execute(
                "INSERT INTO message (received_at, sender, recipients, raw) VALUES (?, ?, ?, ?)",
                (received, sender, "\n".join(recipients), raw),
            )
            self._connection.execute(
                "DELETE FROM message WHERE id <= (SELECT max(id) FROM message) - ?", (self._most,)
            )

    def newest(self, *, limit: int, before: int | None = None) -> list[Message]:
        """List messages, newest first; those with an id below `before` when it is given."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, received_at, sender, recipients, raw FROM message WHERE ? IS NULL OR id < ? "
                "ORDER BY id DESC LIMIT ?",
                (before, before, limit),
            ).fetchall()
        return [_message(row) for row in rows]

    def get(self, number: int) -> Message | None:
        """Give one message; None when it is not (or no longer) there."""
        with self._lock:
            row = self._connection.execute(
                "SELECT id, received_at, sender, recipients, raw FROM message WHERE id = ?", (number,)
            ).fetchone()
        return _message(row) if row else None

    def count(self) -> int:
        """Count the messages."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM message").fetchone()[0])

    def clear(self) -> None:
        """Delete all messages."""
        with self._lock:
            self._connection.execute("DELETE FROM message")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _message(row: tuple[int, str, str, str, bytes]) -> Message:
    number, received, sender, recipients, raw = row
    return Message(
        number, datetime.fromisoformat(received), sender, tuple(recipients.split("\n")), bytes(raw)
    )
