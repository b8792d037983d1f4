"""Commands and answers of experiments, and what front ends tell of them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import msgspec

from analytics.models.experiments import MAXIMUM_KEY, MAXIMUM_VALUE, Experiment
from analytics.statistics.proportions import Interval
from analytics.statistics.srm import RatioCheck
from analytics.types.tracking import LONGEST_TOKEN, Instant, Refused
from common.money import Money
from common.types import UNSET, Partial, Unset


@dataclass(frozen=True, slots=True)
class VariantInput:
    """A variant as it is defined: what front ends call it, its name for people, its share of them."""

    key: str
    name: str = ""
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInput(Partial):
    """What a caller says about an experiment. A field left out keeps its value, or has its default in a creation."""

    slug: str | Unset = UNSET
    name: str | Unset = UNSET
    hypothesis: str | Unset = UNSET
    metric: str | Unset = UNSET
    minimum_sample: int | Unset = UNSET
    variants: tuple[VariantInput, ...] | Unset = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentFilters:
    """Which experiments somebody asks for; None and empty keep all but archived ones."""

    event_id: UUID | None = None
    status: str = ""
    search: str = ""
    archived: bool = False


class Told(StrEnum):
    """What a front end tells of an experiment."""

    VIEW = "variant_view"
    GOAL = "goal_conversion"
    SECONDARY = "secondary_metric"


class IncomingResult(msgspec.Struct):
    """One event of an experiment as a front end writes it, in snake_case or camelCase. What else it holds is left."""

    test_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_KEY)] | None = None
    event_id: UUID | None = None
    session_token: Annotated[str, msgspec.Meta(max_length=LONGEST_TOKEN)] | None = None
    variant_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_KEY)] | None = None
    event_type: Told | None = None
    goal_achieved: bool | None = None
    goal_value: Annotated[int, msgspec.Meta(ge=0, le=MAXIMUM_VALUE)] | None = None
    timestamp: Instant | None = None
    camel_test_id: Annotated[str, msgspec.Meta(max_length=MAXIMUM_KEY)] | None = msgspec.field(
        default=None, name="testId"
    )
    camel_event_id: UUID | None = msgspec.field(default=None, name="eventId")
    camel_session_token: Annotated[str, msgspec.Meta(max_length=LONGEST_TOKEN)] | None = msgspec.field(
        default=None, name="sessionToken"
    )
    camel_variant_id: Annotated[str, msgspec.Meta(max_length=MAXIMUM_KEY)] | None = msgspec.field(
        default=None, name="variantId"
    )
    camel_event_type: Told | None = msgspec.field(default=None, name="eventType")
    camel_goal_achieved: bool | None = msgspec.field(default=None, name="goalAchieved")
    camel_goal_value: Annotated[int, msgspec.Meta(ge=0, le=MAXIMUM_VALUE)] | None = msgspec.field(
        default=None, name="goalValue"
    )

    def __post_init__(self) -> None:
        """Take the other spelling where the first is missing."""
        for name in _SPELT_TWICE:
            if getattr(self, name) is None:
                setattr(self, name, getattr(self, f"camel_{name}"))


_SPELT_TWICE: Final = (
    "test_id", "event_id", "session_token", "variant_id", "event_type", "goal_achieved", "goal_value",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """Events by their place in the body, those that could not be read, and the client's clock when it sent."""

    events: list[tuple[int, IncomingResult]]
    unreadable: list[Refused] = field(default_factory=list)
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What tracking has to know of an experiment."""

    id: UUID
    slug: str
    event_id: UUID
    started_at: datetime | None
    stopped_at: datetime | None
    is_archived: bool
    keys: tuple[str, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is kept of one variant's people. ``total`` and ``squares`` are of goal values, in minor units."""

    people: int = 0
    conversions: int = 0
    secondary: int = 0
    total: int = 0
    squares: int = 0


class Verdict(StrEnum):
    """How far an experiment is. ``RUNNING``: enough people for an answer, and none is sure yet."""

    COLLECTING = "collecting"
    RUNNING = "running"
    DECIDED = "decided"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One variant's figures. Rates, lifts, intervals and confidence are percent; None: nothing to say yet.

    ``revenue_per_person`` and ``revenue_interval`` are minor units.
    """

    variant_id: str
    name: str
    is_control: bool
    weight: int
    impressions: int
    conversions: int
    secondary_conversions: int
    conversion_rate: float | None
    confidence_level: float | None
    interval: Interval | None
    lift: float | None
    lift_interval: Interval | None
    revenue: Money
    revenue_per_person: float | None
    revenue_interval: Interval | None
    p_value: float | None
    p_value_always_valid: float | None


@dataclass(frozen=True, slots=True)
class Results:
    """An experiment's answer, as far as there is one. ``winner`` is a variant's key.

    ``warnings``: sentences on other experiments whose effects these figures may show.
    """

    experiment: Experiment
    as_of: datetime
    status: Verdict
    total_impressions: int
    total_conversions: int
    variants: tuple[VariantResult, ...]
    method: str
    p_value: float | None
    p_value_always_valid: float | None
    srm: RatioCheck
    winner: str | None
    confidence: float | None
    people_needed: int | None
    headline: str
    recommendation: str
    refused: dict[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def test_id(self) -> str:
        """The experiment's slug."""
        return self.experiment.slug
