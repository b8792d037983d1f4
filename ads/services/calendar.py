"""The days of time zones as the view of daily figures is told them: those of raw events, by the one clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ads.services.sql_arrays import array
from common import statements
from common.windows import day_bounds, days_between

_A_DAY: Final = timedelta(days=1)
_TOUCHED: Final = statements.one_line("""
    SELECT DISTINCT event.time_zone, happened.day
      FROM (SELECT DISTINCT event_id, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM ads_adevent) AS happened
      JOIN events_event event ON event.id = happened.event_id
""")
# What is so already is left alone: an hour later all but a few rows are.
_KEEP: Final = statements.one_line("""
    WITH told AS (
        SELECT * FROM unnest(%(zones)s::text[], %(utc_days)s::date[], %(days)s::date[], %(starts)s::timestamptz[],
            %(ends)s::timestamptz[]) AS told (time_zone, utc_day, day, starts_at, ends_at)
    ), gone AS (
        DELETE FROM ads_adcalendar known WHERE NOT EXISTS (
            SELECT FROM told WHERE told.time_zone = known.time_zone AND told.utc_day = known.utc_day
               AND told.day = known.day
        )
    )
    INSERT INTO ads_adcalendar AS known (time_zone, utc_day, day, starts_at, ends_at)
    SELECT time_zone, utc_day, day, starts_at, ends_at FROM told
    ON CONFLICT (time_zone, utc_day, day) DO UPDATE SET starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at
     WHERE (known.starts_at, known.ends_at) <> (EXCLUDED.starts_at, EXCLUDED.ends_at)
""")

_Row = tuple[str, date, date, datetime, datetime]


def keep() -> None:
    """Have the calendar hold the days of all raw events and the ones after, for what comes meanwhile. Two statements.

    In the caller's transaction; one caller at a time.
    """
    touched = statements.run(_TOUCHED, []).fetchall()
    wanted = {(zone, day + after) for zone, day in touched for after in (timedelta(0), _A_DAY)}
    rows = [row for zone, utc_day in sorted(wanted) for row in _rows(zone, utc_day)]
    zones, utc_days, days, starts, ends = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    given = {
        "zones": array(zones), "utc_days": array(utc_days), "days": array(days), "starts": array(starts),
        "ends": array(ends),
    }  # fmt: skip
    statements.run(_KEEP, given)


def _rows(name: str, utc_day: date) -> Iterator[_Row]:
    zone, begins = ZoneInfo(name), datetime.combine(utc_day, time.min, UTC)
    for day in days_between(begins, begins + _A_DAY - timedelta.resolution, zone):
        yield (name, utc_day, day, *day_bounds(day, zone))
