"""Commands and answers of the waitlist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """A seat offer that waits for an answer until ``expires_at``."""

    join_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """What a person is told about their place.

    ``position`` counts from 1 among those who wait, and is None for everybody else; ``total`` is how many
    entries wait; the estimate is in minutes, None when the session's own turnover says nothing yet.
    """

    id: UUID
    session_id: UUID
    status: str
    quantity: int
    position: int | None
    total: int
    priority_tier: str
    estimated_wait_minutes: int | None
    joined_at: datetime
    offer: OpenOffer | None

    def as_json(self) -> dict[str, Any]:
        """Return it as callers read it (CONTRACT: "Waitlist join"), with the session's id besides."""
        offer = self.offer
        return {
            "id": str(self.id),
            "session_id": str(self.session_id),
            "status": self.status,
            "quantity": self.quantity,
            "position": self.position,
            "total": self.total,
            "priority_tier": self.priority_tier,
            "estimated_wait_minutes": self.estimated_wait_minutes,
            "joined_at": self.joined_at.isoformat(),
            "offer": offer and {"join_token": offer.join_token, "expires_at": offer.expires_at.isoformat()},
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Place":
        """Build it again from what ``as_json`` gave."""
        offer = body["offer"]
        times = {"joined_at": datetime.fromisoformat(body["joined_at"])}
        return cls(
            **{**body, "id": UUID(body["id"]), "session_id": UUID(body["session_id"]), **times}
            | {"offer": offer and OpenOffer(offer["join_token"], datetime.fromisoformat(offer["expires_at"]))}
        )


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one entry in an act on several. ``id`` is the entry's; ``code`` is empty when it worked."""

    id: UUID
    ok: bool
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why nothing is offered now."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A session's seats and queue. Seats: ``capacity`` and ``free`` are None when unlimited; ``held`` are those
    of open offers; ``waiting`` and ``offered`` count entries. ``why_not`` is empty when offers go out.
    """

    session_id: UUID
    capacity: int | None
    attending: int
    held: int
    free: int | None
    waiting: int
    offered: int
    seats_kept: int
    offers_paused: bool
    group_rule: str
    why_not: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """What an organizer decides about a session's waitlist.

    ``offer_minutes`` None: as the setting says. ``priorities`` says what a ticket tier counts for, by the
    tier's id; tiers that are not named count as they are.
    """

    group_rule: str
    closes_at: datetime | None = None
    offer_minutes: int | None = None
    priorities: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of entries by the time they joined; rates are fractions 0..1 of the offers that are answered or
    over, None when there are none. ``average_wait_minutes``: from joining to the offer, None without offers.
    """

    joins: int
    offers_issued: int
    accepted: int
    acceptance_rate: float | None
    expiry_rate: float | None
    average_wait_minutes: float | None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """The figures of one session."""

    session_id: UUID
    title: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class TierFigures:
    """The figures of one priority tier."""

    tier: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class WaitlistAnalytics:
    """The figures of an event's waitlists: in all, by session, by tier. Sessions nobody waited for are left out."""

    event_id: UUID
    total: Figures
    by_session: tuple[SessionFigures, ...]
    by_tier: tuple[TierFigures, ...]
