"""The words of the durable queue: lanes, states, and what a handler is given and may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

# Jobs of no organization take their turn as one organization, the last.
NO_ORGANIZATION = UUID(int=2**128 - 1)


class Lane(TextChoices):
    """Work that must not wait for other work has a lane of its own, with workers kept for it."""

    MONEY = "money", "Money"
    REALTIME = "realtime", "Real time"
    URGENT_MAIL = "urgent_mail", "Urgent mail"
    BULK = "bulk", "Bulk"


class JobStatus(TextChoices):
    """Where a job stands. Done, dead, discarded and expired are ends; only dead ones may come back."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    DEAD = "dead", "Dead"
    DISCARDED = "discarded", "Discarded"
    EXPIRED = "expired", "Expired"


class GiveUp(Exception):
    """Raised by a handler that knows that another attempt cannot help: the job is dead at once."""


class Postpone(Exception):
    """Raised by a handler that cannot begin yet. It is no attempt: the job runs again in ``seconds`` (1 or more)."""

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = max(1.0, float(seconds))
        self.reason = reason
        super().__init__(reason)


class UnknownKind(LookupError):
    """No handler is registered under this name in this process."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """One job to enqueue. ``run_at`` none: now; ``not_after``: past it the job is finished as expired, not run."""

    kind: str
    payload: Mapping[str, object]
    run_at: datetime | None = None
    dedupe_key: str | None = None
    not_after: datetime | None = None
    organization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler is given. ``attempt`` counts from 1; ``now`` was read when the job began."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    attempt: int
    is_last_attempt: bool
    organization_id: UUID | None
    trace_id: str
    now: datetime


@dataclass(slots=True)
class Drained:
    """What one run through a lane came to, in jobs. ``lost``: finished elsewhere while this worker was slow."""

    done: int = 0
    failed: int = 0
    dead: int = 0
    postponed: int = 0
    expired: int = 0
    lost: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many jobs were taken up, however they ended."""
        return self.done + self.failed + self.dead + self.postponed + self.expired + self.lost

    def add(self, other: "Drained") -> None:
        """Count another run's jobs as well."""
        for name in ("done", "failed", "dead", "postponed", "expired", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
