"""Hours of a day in which a person is not to be disturbed, by the clocks where they are."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """``[starts_at, ends_at)`` of each day; past midnight when the end is before the start. They are not equal."""

    starts_at: time
    ends_at: time
    zone: ZoneInfo

    def end_of(self, now: datetime) -> datetime | None:
        """Return when the quiet hours that hold ``now`` end, in UTC; None when it is not quiet.

        A night whose clocks change is one stretch: from the first time that they show the start to the last time that
        they show the end. An hour that they leave out ends with the first moment after it.
        """
        today = now.astimezone(self.zone).date()
        # Those of yesterday and today may hold it.
        for day in (today - _DAY, today):
            following = day if self.starts_at < self.ends_at else day + _DAY
            begins = _instant(day, self.starts_at, self.zone, fold=0)
            ends = _instant(following, self.ends_at, self.zone, fold=1)
            if begins <= now < ends:
                return ends
        return None


def _instant(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    """Return the instant at which the clocks show a time of day: the first (0) or the second (1) where they do twice.

    Where they never do, the first instant after the time that was left out.
    """
    wall = datetime.combine(day, at.replace(fold=fold))
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) == wall.replace(fold=0):
        return instant
    # PEP 495: of a time that is left out, fold 1 gives an instant before the gap and fold 0 one after it.
    before, after = (wall.replace(tzinfo=zone, fold=one).astimezone(UTC) for one in (1, 0))
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).replace(tzinfo=None, fold=0) < wall.replace(fold=0):
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
