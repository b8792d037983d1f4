"""Idempotency keys (docs.stripe.com/api/idempotent_requests): the first answer is replayed for 24 hours."""

import hashlib
from dataclasses import dataclass

from sandbox.errors import ApiError
from sandbox.store import Store

KEPT_SECONDS = 24 * 3600
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class StoredAnswer:
    """What the first request with a key was answered."""

    request_id: str
    status: int
    body: bytes


def fingerprint(method: str, path: str, raw_params: bytes) -> str:
    """One value per endpoint and parameters; their order does not matter."""
    ordered = b"&".join(sorted(raw_params.split(b"&")))
    return hashlib.sha256(b" ".join((method.encode(), path.encode(), ordered))).hexdigest()


class IdempotencyKeys:
    """Stored answers in the database and, in memory, the keys whose first request is still running."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.in_flight: set[str] = set()

    def find(self, key: str, fingerprint: str) -> StoredAnswer | None:
        """The stored answer of this request; 400 for other parameters, 409 while the first still runs."""
        if len(key) > MAX_KEY_LENGTH:
            raise ApiError(f"Idempotency keys can be at most {MAX_KEY_LENGTH} characters long.")
        if key in self.in_flight:
            raise ApiError(
                "There is currently another in-progress request using this Idempotent Key (that probably "
                f"means you submitted twice, and the other request is still going through): {key}",
                code="idempotency_key_in_use",
                status=409,
                kind="idempotency_error",
            )
        row = self._store.db.execute("SELECT * FROM idempotency WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return StoredAnswer(row["request_id"], row["status"], row["body"])

    def keep(self, key: str, fingerprint: str, answer: StoredAnswer, now: int) -> None:
        """Store the answer; part of the transaction that made it true."""
        self._store.db.execute(
            "INSERT INTO idempotency (key, fingerprint, request_id, status, body, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (key, fingerprint, answer.request_id, answer.status, answer.body, now),
        )

    def prune(self, now: int) -> int:
        """Forget keys of 24 hours and older; how many they were."""
        return self._store.db.execute(
            "DELETE FROM idempotency WHERE created <= ?", (now - KEPT_SECONDS,)
        ).rowcount
