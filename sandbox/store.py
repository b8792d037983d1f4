"""State in SQLite (WAL): every object as JSON with the columns that lists filter by.

All access happens on the event loop's thread, so transactions never interleave. A commit survives `kill -9`
of the process; `synchronous=NORMAL` spares the fsync that only a power cut would need.
"""

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from sandbox.config import RefusedToStart
from sandbox.statements import INSERT_OBJECT, NEWER, OLDER, SCHEMA, UPDATE_OBJECT

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """What a list asks for; None means no condition. Times are seconds since the epoch."""

    status: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    product: str | None = None
    customer_email: str | None = None
    active: bool | None = None
    ids: list[str] | None = None
    types: list[str] | None = None
    delivered: bool | None = None
    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None

    def arguments(self) -> Json:
        """Named arguments of the list's statement."""
        values = asdict(self)
        for name in ("ids", "types"):
            values[name] = None if values[name] is None else json.dumps(values[name])
        return values


def encode(value: object) -> str:
    """Compact JSON; text stays as it is, as Stripe sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _columns(data: Json) -> Json:
    details = data.get("customer_details") or {}
    return {
        "id": data["id"],
        "kind": data["object"],
        "created": data["created"],
        "data": encode(data),
        **{
            name: data.get(name)
            for name in ("expires_at", "status", "payment_intent", "charge", "product", "type")
        },
        "active": data.get("active"),
        "customer_email": details.get("email") or data.get("customer_email"),
    }


class Store:
    """The sandbox's database. Objects are plain JSON; `private` holds what the API never shows."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock(data_dir / "sandbox.lock")
        self.db = sqlite3.connect(data_dir / "sandbox.sqlite3", isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(SCHEMA)

    @staticmethod
    def _take_lock(path: Path) -> TextIO:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedToStart(f"Another sandbox already works in {path.parent}.") from error
        return lock

    def close(self) -> None:
        """Close the database and give up the folder."""
        self.db.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Never hold one across an await."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def insert(self, data: Json, private: Json | None = None) -> None:
        """Add a new object."""
        self.db.execute(INSERT_OBJECT, {**_columns(data), "private": encode(private or {})})

    def save(self, data: Json) -> None:
        """Store a changed object."""
        self.db.execute(UPDATE_OBJECT, _columns(data))

    def get(self, kind: str, object_id: str) -> Json | None:
        """The object, or None."""
        row = self.db.execute(
            "SELECT data FROM objects WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return None if row is None else json.loads(row["data"])

    def exists(self, object_id: str) -> bool:
        """Whether an object of any kind has this id."""
        return self.db.execute("SELECT 1 FROM objects WHERE id = ?", (object_id,)).fetchone() is not None

    def private(self, object_id: str) -> Json:
        """What belongs to the object and is not shown by the API."""
        row = self.db.execute("SELECT private FROM objects WHERE id = ?", (object_id,)).fetchone()
        return {} if row is None else json.loads(row["private"])

    def of_payment(self, kind: str, payment_intent: str) -> list[Json]:
        """Objects that name this PaymentIntent, oldest first."""
        rows = self.db.execute(
            "SELECT data FROM objects WHERE payment_intent = ? AND kind = ? ORDER BY created, seq",
            (payment_intent, kind),
        )
        return [json.loads(row["data"]) for row in rows]

    def due_sessions(self, now: int) -> list[str]:
        """Ids of open sessions whose time is over."""
        rows = self.db.execute(
            "SELECT id FROM objects WHERE kind = 'checkout.session' AND status = 'open' AND expires_at <= ?"
            " ORDER BY expires_at",
            (now,),
        )
        return [row["id"] for row in rows]

    def move_open_sessions(self, page_url: str) -> None:
        """Point open sessions to the hosted page of this run, whose port may differ from the last one's."""
        self.db.execute(
            "UPDATE objects SET data = json_set(data, '$.url', ? || id)"
            " WHERE kind = 'checkout.session' AND status = 'open'",
            (page_url,),
        )

    def older(self, kind: str, wanted: Filter, cursor: str | None, limit: int) -> list[Json]:
        """Newest first, after the object `cursor`."""
        rows = self.db.execute(OLDER, {**wanted.arguments(), "kind": kind, "cursor": cursor, "limit": limit})
        return [json.loads(row["data"]) for row in rows]

    def newer(self, kind: str, wanted: Filter, cursor: str, limit: int) -> list[Json]:
        """The `limit` objects that come just before `cursor` in the list, newest first."""
        rows = self.db.execute(NEWER, {**wanted.arguments(), "kind": kind, "cursor": cursor, "limit": limit})
        return [json.loads(row["data"]) for row in rows][::-1]

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for statement in (
                "DELETE FROM objects",
                "DELETE FROM idempotency",
                "DELETE FROM deliveries",
                "DELETE FROM faults",
            ):
                self.db.execute(statement)
