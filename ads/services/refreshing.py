"""The materialized view of daily figures: made anew each hour, and the stored days held against it."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from django.db import OperationalError, connection, transaction

from ads.models import AdRun
from ads.services import calendar, daily
from ads.services.figures_sql import FIGURES
from common import statements
from common.db import is_overtime
from common.windows import days_between

_log = structlog.stdlib.get_logger(__name__)

# The jobs that run by the clock, as metrics name them.
REFRESH: Final = "refresh_daily"
DEACTIVATE: Final = "deactivate_ended"
DROP_OLD: Final = "drop_old_events"
PARTITIONS: Final = "make_partitions"
_LOCK: Final = 7_311_040  # advisory, for a transaction: one refreshes, another that begins meanwhile does not
# No transaction lasts a minute: what is not made anew by then is left as it was, and the next hour tries again.
_MILLISECONDS: Final = 50_000
# How far back days with refused events are computed again: the view has none of them, so that comparing with it
# finds no mark of theirs that was lost.
_REFUSED_SINCE: Final = timedelta(hours=3)

# Stored days that were computed before the view and differ from it: a mark was lost. What changed since is newer.
_DIFFERENT = statements.one_line(f"""
    SELECT event_id, day FROM (
        SELECT event_id, day, ad_id, {", ".join(FIGURES)}, NULL::timestamptz AS computed_at FROM ad_analytics_daily
    ) AS seen
    FULL JOIN (
        SELECT event_id, day, ad_id, {", ".join(FIGURES)}, computed_at FROM ads_addaily WHERE frozen_at IS NULL
    ) AS stored USING (event_id, day, ad_id)
    WHERE COALESCE(stored.computed_at < %s, true)
      AND ({" OR ".join(f"COALESCE(seen.{name}, 0) <> COALESCE(stored.{name}, 0)" for name in FIGURES)})
      AND NOT EXISTS (
          SELECT FROM ads_addirtyday mark WHERE mark.event_id = COALESCE(seen.event_id, stored.event_id)
             AND mark.day = COALESCE(seen.day, stored.day)
      )
      AND NOT EXISTS (
          SELECT FROM ads_adfigures known WHERE known.event_id = COALESCE(seen.event_id, stored.event_id)
             AND known.frozen_day >= COALESCE(seen.day, stored.day)
      )
    GROUP BY event_id, day
""")  # noqa: S608 - constants
_REFUSED = statements.one_line("""
    SELECT refused.event_id, event.time_zone, min(refused.slot), max(refused.slot)
      FROM ads_invalidcount refused JOIN events_event event ON event.id = refused.event_id
     WHERE refused.slot >= %s AND refused.ad_id IS NOT NULL
     GROUP BY refused.event_id, event.time_zone
""")


def refresh_daily(*, now: datetime) -> bool:
    """Compute what is marked, make the view anew, and compute the days that differ from it.

    False: somebody does just now, or it took too long; then the view stays as it was and ``succeeded`` tells when.

    Catches up on marks that were left, on days with refused events, and on events whose zone was changed.
    """
    _mark_refused(now)
    daily.work_dirty(now=now)
    try:
        is_anew = refresh_view()
    except OperationalError as error:
        if not is_overtime(error):
            raise
        # Stored days go on following their events; what is missing is the proof that none was lost.
        _log.error("ad_view_too_slow", seconds=_MILLISECONDS / 1000)
        is_anew = False
    if not is_anew:
        return False
    lost = _mark_different(now)
    if lost:
        _log.error("ad_days_differed", days=lost)
        daily.work_dirty(now=now)
    succeeded(REFRESH, now=now)
    return True


def refresh_view() -> bool:
    """Make the view anew while others read the old one; False when somebody else does just now.

    Raises ``OperationalError`` after 50 seconds; others read on what was there.
    """
    return _tell_days() and _refresh_view()


@transaction.atomic
def _tell_days() -> bool:
    """Have the calendar hold the days of all raw events, as the view will ask for them; False as for the view."""
    if not _is_ours():
        return False
    calendar.keep()
    return True


@transaction.atomic
def _refresh_view() -> bool:
    """Make it anew.

    PostgreSQL: "REFRESH MATERIALIZED VIEW CONCURRENTLY"; the view's owner may, which is who migrated.
    """
    if not _is_ours():
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {_MILLISECONDS}")
        cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY ad_analytics_daily")
    return True


def _is_ours() -> bool:
    """Take the right to refresh until the transaction ends; False when somebody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone() == (True,))


def succeeded(job: str, *, now: datetime) -> None:
    """Keep when a job that runs by the clock last succeeded."""
    AdRun.objects.update_or_create(job=job, defaults={"succeeded_at": now})


@transaction.atomic
def _mark_different(now: datetime) -> int:
    days = statements.run(_DIFFERENT, [now]).fetchall()
    daily.mark(days, now)
    return len(days)


@transaction.atomic
def _mark_refused(now: datetime) -> None:
    rows = statements.run(_REFUSED, [now - _REFUSED_SINCE]).fetchall()
    daily.mark(
        ((of, day) for of, zone, since, until in rows for day in days_between(since, until, ZoneInfo(zone))),
        now,
    )
