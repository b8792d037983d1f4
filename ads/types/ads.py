"""Commands and answers of ads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import TextChoices

from common.types import UNSET, Partial, Unset

# Limits of the contract, in characters and items.
MAXIMUM_NAME: Final = 200
MAXIMUM_URL: Final = 2048
MAXIMUM_TARGETS: Final = 200
MAXIMUM_REASON: Final = 500
# In minor units: what the column holds.
MAXIMUM_BUDGET: Final = 2_147_483_647


class AdStatus(TextChoices):
    """How an ad stands, by its schedule, its switch and its total budget."""

    SCHEDULED = "SCHEDULED", "Scheduled"
    LIVE = "LIVE", "Live"
    PAUSED = "PAUSED", "Paused"
    ENDED = "ENDED", "Ended"
    ARCHIVED = "ARCHIVED", "Archived"
    OUT_OF_BUDGET = "OUT_OF_BUDGET", "Out of budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdInput(Partial):
    """What a caller says about an ad, as it came in at any door: shapes are checked, rules are not.

    Price and budgets are decimal strings of the ad's currency; a budget of None has no limit. A field left out keeps
    its value in a change and has its default in a creation.
    """

    name: str | Unset = UNSET
    content_type: str | Unset = UNSET
    media_url: str | Unset = UNSET
    click_url: str | Unset = UNSET
    display_duration_seconds: int | Unset = UNSET
    aspect_ratio: str | Unset = UNSET
    placements: tuple[str, ...] | Unset = UNSET
    target_sessions: tuple[UUID, ...] | Unset = UNSET
    weight: int | Unset = UNSET
    frequency_cap: int | Unset = UNSET
    starts_at: datetime | Unset | None = UNSET
    ends_at: datetime | Unset | None = UNSET
    is_active: bool | Unset = UNSET
    price_model: str | Unset = UNSET
    price: str | Unset = UNSET
    currency: str | Unset = UNSET
    budget_total: str | Unset | None = UNSET
    budget_daily: str | Unset | None = UNSET
    pacing: str | Unset = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class AdFilters:
    """Which ads of an event somebody asks for; None and empty keep all."""

    status: str | None = None
    placement: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: at most ``limit`` rows after the first ``offset``."""

    limit: int
    offset: int
