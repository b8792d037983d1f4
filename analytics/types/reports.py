"""What a scheduled report is made of, as every door gives it and shows it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

MAXIMUM_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a report goes out, by the event's clocks. ``weekday`` 0 is Monday; ``day_of_month`` ends with the month."""

    cadence: str
    local_time: time
    weekday: int | None = None
    day_of_month: int | None = None


@dataclass(frozen=True, slots=True)
class ReportInput:
    """A scheduled report as it is to be. ``recipient_ids`` are users."""

    name: str
    timetable: Timetable
    formats: tuple[str, ...]
    recipient_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of a timetable: the local day it is for, its instant, and the days that it covers."""

    day: date
    at: datetime
    first: date
    last: date
