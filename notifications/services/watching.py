"""Looking at how e-mail does, so that somebody hears of it before the providers refuse us."""

from datetime import datetime

import structlog

from notifications.selectors.health import alarms_of, figures_of_day

log = structlog.get_logger(__name__)


def watch(*, now: datetime) -> int:
    """Log each share of the day's e-mails that is too large, and return how many those are. One statement."""
    day = figures_of_day(now=now)
    alarms = alarms_of(day)
    for alarm in alarms:
        log.error(alarm.name, rate=round(alarm.rate, 5), limit=alarm.limit, sent=day.sent)
    return len(alarms)
