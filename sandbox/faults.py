"""Faults to order: what the next API requests or webhooks suffer."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.store import Store


class ApiFault(StrEnum):
    """What happens to an API request.

    The first four strike before the request is executed, the next two in its execution, the last two
    after its commit.
    """

    TIMEOUT = "timeout"
    RATE_LIMIT = "429"
    ERROR_BEFORE = "500_before"
    DELAY = "delay"
    ERROR = "500"
    ERROR_AFTER_COMMIT = "500_after_commit"
    CUT_AFTER_COMMIT = "cut_after_commit"
    TIMEOUT_AFTER_COMMIT = "timeout_after_commit"


BEFORE = (ApiFault.TIMEOUT, ApiFault.RATE_LIMIT, ApiFault.ERROR_BEFORE, ApiFault.DELAY)
DURING = (ApiFault.ERROR, ApiFault.ERROR_AFTER_COMMIT)
AFTER = (ApiFault.CUT_AFTER_COMMIT, ApiFault.TIMEOUT_AFTER_COMMIT)


class WebhookFault(StrEnum):
    """What happens to the webhooks of the next events."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"


class RefundFault(StrEnum):
    """What becomes of the next refunds instead of succeeding at once."""

    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True)
class Fault:
    """One use of a fault; `exhausted` says that it was the last."""

    id: int
    mode: str
    delay_seconds: float
    exhausted: bool


class Faults:
    """Faults in the order they were asked for; each strikes `times` requests or events, or all when None."""

    def __init__(self, store: Store) -> None:
        self._db = store.db

    def add(
        self, target: str, mode: str, times: int | None, prefix: str, method: str | None, delay_seconds: float
    ) -> None:
        """`target` is api, webhooks or refunds; `prefix` narrows it by request path or event type."""
        self._db.execute(
            "INSERT INTO faults (target, mode, remaining, prefix, method, delay_seconds)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (target, mode, times, prefix, method, delay_seconds),
        )

    def take(self, target: str, modes: tuple[str, ...], subject: str, method: str = "") -> Fault | None:
        """Use up one strike of the first fault that fits the request's path or the event's type."""
        for row in self._db.execute(
            "SELECT * FROM faults WHERE target = ? ORDER BY id", (target,)
        ).fetchall():
            fits = (
                row["mode"] in modes and subject.startswith(row["prefix"]) and row["method"] in {None, method}
            )
            if fits:
                return self._use(row["id"], row["mode"], row["delay_seconds"], row["remaining"])
        return None

    def _use(self, fault_id: int, mode: str, delay_seconds: float, remaining: int | None) -> Fault:
        left = None if remaining is None else remaining - 1
        if left == 0:
            self._db.execute("DELETE FROM faults WHERE id = ?", (fault_id,))
        else:
            self._db.execute("UPDATE faults SET remaining = ? WHERE id = ?", (left, fault_id))
        return Fault(fault_id, mode, delay_seconds, left == 0)

    def end(self, target: str, mode: str) -> None:
        """Take back the faults of one kind."""
        self._db.execute("DELETE FROM faults WHERE target = ? AND mode = ?", (target, mode))

    def reset(self) -> None:
        """Take back all faults."""
        self._db.execute("DELETE FROM faults")

    def active(self) -> list[dict[str, object]]:
        """What is still to strike."""
        return [dict(row) for row in self._db.execute("SELECT * FROM faults ORDER BY id")]
