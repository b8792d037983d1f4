"""What front ends tell of ads, who tells it, and what became of it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ads.models import InvalidReason

# How many impressions one call may tell.
MAXIMUM_SEEN: Final = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """An ad that was on a page, by its token; ``viewable``: it was seen, by the rule of the field."""

    token: str
    viewable: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who tells it. ``network`` is what a limit counts; ``shown_network`` is shortened, as it may be stored."""

    user_id: UUID | None
    network: str
    shown_network: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Result:
    """Whether the item at ``index`` counted something new, else why not."""

    index: int
    counted: bool
    reason: InvalidReason | None


@dataclass(frozen=True, slots=True)
class ClickResult:
    """Whether a click counted, else why not, and where it leads. Neither counted nor a reason: we could not count."""

    counted: bool
    reason: InvalidReason | None
    destination: str
