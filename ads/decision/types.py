"""What a decision is asked, what it knows of each ad, and what it answers."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ads.models import EventKind

MAXIMUM_LIMIT: Final = 10


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks for ads, and where they will be shown. ``ad_id``: that one or none, as for one that was announced.

    ``is_program``: whoever asks says that they are no person. They are answered, and nothing is reserved for them.
    """

    event_id: UUID
    placement: str
    session_id: UUID | None
    viewer: UUID
    limit: int = 1
    ad_id: UUID | None = None
    is_program: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An ad as decisions know it; it never changes. Told apart by identity, which is what hashing costs least by.

    Amounts are micro-units. ``cost_micros`` is what one decision may come to be billed (an impression sold by the
    thousand, else 0), ``need_micros`` what must be left for one more billing to be whole (an impression, or a
    click). Budgets are None where there is none, and for a flat fee, which is billed once. ``runs_from`` is when it
    may first have been shown: its start, else its making.
    """

    id: UUID
    name: str
    content_type: str
    media_url: str
    click_url: str
    duration: int
    aspect_ratio: str
    weight: int
    cap: int
    starts_at: datetime | None
    ends_at: datetime | None
    runs_from: datetime
    price_model: str
    currency: str
    cost_micros: int
    need_micros: int
    total_micros: int | None
    daily_micros: int | None
    is_paced: bool
    placements: frozenset[str]
    target_sessions: frozenset[UUID]

    @property
    def has_budget(self) -> bool:
        """Say whether anything but the cap can hold it back."""
        return self.total_micros is not None or self.daily_micros is not None


@dataclass(frozen=True, slots=True)
class Served:
    """An ad that was decided on, and the token that counts it once."""

    candidate: Candidate
    token: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The ads to show. ``degraded``: caps or budgets could not be asked, so there is one at most."""

    ads: tuple[Served, ...]
    degraded: bool


@dataclass(frozen=True, slots=True)
class Redeemed:
    """An event that was counted and is committed, as the brakes need to know it.

    ``day`` is the local day of the event on which it counts, ``issued_day`` that on which its token was issued;
    ``expires_at`` is the token's. What the ad is billed in all and on ``day`` are the figures of its spend rows,
    in micro-units; None for an ad that is not billed.
    """

    ad_id: UUID
    event_id: UUID
    viewer: UUID
    kind: EventKind
    day: date
    issued_day: date
    expires_at: datetime
    billed_total_micros: int | None = None
    billed_day_micros: int | None = None
