"""Half-open windows of time, ``[start, end)``, so that neighbours neither overlap nor leave a gap."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """A window ``[start, end)``; a missing bound is open."""

    start: datetime | None
    end: datetime | None

    def contains(self, instant: datetime) -> bool:
        """Say whether the instant lies in the window: its start does, its end does not."""
        if self.start is not None and instant < self.start:
            return False
        return self.end is None or instant < self.end


def local_day(day: date, time_zone: ZoneInfo) -> Window:
    """Return the window of a calendar day in a time zone, 23 to 25 hours long around daylight saving."""
    start = datetime.combine(day, time.min, tzinfo=time_zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=time_zone)
    return Window(start.astimezone(UTC), end.astimezone(UTC))
