"""The verdicts on the dashboard: people are counted at most once a minute of an event, however many look.

What was counted is kept, and says of when it is; a look meanwhile reads the kept counts. So do those who look while
somebody else counts, and those for whom counting takes too long.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from analytics.models import Experiment, LastAnswer
from analytics.services.experiments.results import Counted, Counts, count_people, judged, started_at, warned
from analytics.types.experiments import Results, Tally
from common.errors import Busy
from events.models import Event

FRESH: Final = timedelta(minutes=1)
PART: Final = "experiments"
# Of no days: from each experiment's start to when it was counted.
_NO_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Look:
    """Results, the newest experiment first, as they were at ``as_of``. ``is_stale``: newer ones could not be had."""

    results: list[Results]
    as_of: datetime
    is_stale: bool = False


def look(event: Event, *, newest: int, now: datetime) -> Look:
    """Return the results of an event's newest experiments, for readers who were let in already.

    A fixed number of statements. Raises ``Busy`` and ``DatabaseError`` when they cannot be counted and were not before.
    """
    shown = started_at(event.pk, newest=newest)
    kept = _kept(event, shown)
    if kept is not None and now - FRESH < kept.computed_at:
        return _of(shown, kept)
    try:
        counts = _count(event, shown, is_needed=kept is None, now=now)
    except (Busy, DatabaseError):
        if kept is None:
            raise
        return _of(shown, kept, is_stale=True)
    if counts is None and kept is not None:
        return _of(shown, kept)
    return Look(warned(judged(shown, counts or {}, now=now), now=now), now)


def _kept(event: Event, shown: list[Experiment]) -> LastAnswer | None:
    """Return what was counted before, when it has all of these experiments."""
    kept = LastAnswer.objects.filter(event_id=event.pk, part=PART, first=_NO_DAY, last=_NO_DAY).first()
    return kept if kept is not None and {str(one.pk) for one in shown} <= kept.body.keys() else None


def _of(shown: list[Experiment], kept: LastAnswer, *, is_stale: bool = False) -> Look:
    counts = {one.pk: _read(kept.body[str(one.pk)]) for one in shown}
    found = judged(shown, counts, now=kept.computed_at)
    return Look(warned(found, now=kept.computed_at), kept.computed_at, is_stale)


def _count(event: Event, shown: list[Experiment], *, is_needed: bool, now: datetime) -> Counts | None:
    """Count and keep; None while somebody else counts, unless nothing can stand in for it."""
    with transaction.atomic():
        if not _is_first(event.pk) and not is_needed:
            return None
        counts = count_people([one.pk for one in shown])
        LastAnswer.objects.bulk_create(
            [
                LastAnswer(
                    event_id=event.pk, part=PART, first=_NO_DAY, last=_NO_DAY, body=_written(counts), computed_at=now
                )
            ],
            update_conflicts=True,
            unique_fields=["event", "part", "first", "last"],
            update_fields=["body", "computed_at"],
        )  # fmt: skip
    return counts


def _is_first(event_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 8))", [f"experiments {event_id}"]
        )
        return bool(cursor.fetchone() == (True,))


def _written(counts: Counts) -> dict[str, Any]:
    return {
        str(pk): {"tallies": {str(place): asdict(one) for place, one in counted.tallies.items()},
                  "refused": counted.refused}
        for pk, counted in counts.items()
    }  # fmt: skip


def _read(kept: dict[str, Any]) -> Counted:
    return Counted({int(place): Tally(**one) for place, one in kept["tallies"].items()}, kept["refused"])
