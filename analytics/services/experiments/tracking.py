"""Counting what front ends tell of experiments: each visitor once, in the variant that is theirs.

A visitor is one row from their first view on, also when that is told after a later one. A goal counts once, with the
value of the one that was reached first; so does the secondary metric. A goal that is told before its view makes the row
without ``seen_at``: it counts from the view on. What is told again, in whatever order and by however many at once,
changes nothing, so no ledger of ids is needed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from analytics.models import ExperimentRefusalReason
from analytics.services.checking import CLOCK_TOLERANCE
from analytics.services.experiments.checking import Heard, check, definitions, reasons
from analytics.types.experiments import ResultBatch, Told
from analytics.types.tracking import Refused, Tracked
from common import statements
from common.db import retrying

# In the order of the key, so that two batches with the same people wait for each other and never in a circle. What
# comes first need not be what was first: an earlier view moves the row's time, and xmax tells new rows from those.
# The view of somebody whose goal was told before is new as well, unless somebody else tells it in the same instant.
# A goal that was waiting and turns out to be of before the view is taken back: it was not moved by what was seen.
_SEE = statements.one_line("""
WITH waiting AS (
    SELECT e.experiment_id, e.visitor FROM analytics_exposure e
    WHERE e.seen_at IS NULL AND e.experiment_id = ANY(%(experiments)s::uuid[])
      AND e.visitor = ANY(%(visitors)s::uuid[])
)
INSERT INTO analytics_exposure AS e (experiment_id, visitor, place, seen_at, value)
SELECT experiment_id, visitor, place, seen_at, 0
FROM unnest(%(experiments)s::uuid[], %(visitors)s::uuid[], %(places)s::smallint[], %(times)s::timestamptz[])
    AS n (experiment_id, visitor, place, seen_at)
ORDER BY experiment_id, visitor
ON CONFLICT (experiment_id, visitor) DO UPDATE SET seen_at = excluded.seen_at,
    converted_at = CASE WHEN e.converted_at >= excluded.seen_at - %(tolerance)s THEN e.converted_at END,
    value = CASE WHEN e.converted_at >= excluded.seen_at - %(tolerance)s THEN e.value ELSE 0 END,
    secondary_at = CASE WHEN e.secondary_at >= excluded.seen_at - %(tolerance)s THEN e.secondary_at END
    WHERE e.seen_at IS NULL OR excluded.seen_at < e.seen_at
RETURNING xmax = 0 OR (experiment_id, visitor) IN (SELECT w.experiment_id, w.visitor FROM waiting w)
""")

# Who was not told to have seen anything yet: a row that waits for the view, by the key that the view comes to as well.
_WAIT = statements.one_line("""
INSERT INTO analytics_exposure (experiment_id, visitor, place, value)
SELECT experiment_id, visitor, place, 0
FROM unnest(%(experiments)s::uuid[], %(visitors)s::uuid[], %(places)s::smallint[])
    AS n (experiment_id, visitor, place)
ORDER BY experiment_id, visitor
ON CONFLICT DO NOTHING
""")

_HOLD = statements.one_line("""
SELECT e.experiment_id, e.visitor, e.seen_at, e.converted_at, e.secondary_at
FROM analytics_exposure e
JOIN unnest(%(experiments)s::uuid[], %(visitors)s::uuid[]) AS n (experiment_id, visitor)
    USING (experiment_id, visitor)
ORDER BY e.experiment_id, e.visitor
FOR NO KEY UPDATE OF e
""")

_CONVERT = statements.one_line("""
UPDATE analytics_exposure e
SET converted_at = coalesce(n.converted_at, e.converted_at), secondary_at = coalesce(n.secondary_at, e.secondary_at),
    value = CASE WHEN n.converted_at IS NULL THEN e.value ELSE n.value END
FROM unnest(%(experiments)s::uuid[], %(visitors)s::uuid[], %(converted)s::timestamptz[], %(values)s::int[],
    %(secondary)s::timestamptz[]) AS n (experiment_id, visitor, converted_at, value, secondary_at)
WHERE e.experiment_id = n.experiment_id AND e.visitor = n.visitor
""")

_REFUSED = """
INSERT INTO analytics_experimentrefusal AS r (experiment_id, day, reason, count)
SELECT experiment_id, %(day)s, reason, count
FROM unnest(%(experiments)s::uuid[], %(reasons)s::text[], %(counts)s::bigint[]) AS n (experiment_id, reason, count)
ORDER BY experiment_id, reason
ON CONFLICT (experiment_id, day, reason) DO UPDATE SET count = r.count + EXCLUDED.count
"""
_SAID_BOT: Final = "Automated clients are not counted."
_SAID_UNSEEN: Final = "timestamp: this session saw its variant after that."

Person = tuple[UUID, UUID]
# When a visitor saw their variant, reached the goal, did the second thing.
Reached = tuple[datetime | None, datetime | None, datetime | None]
# Names the experiment of each refused event, where it is one of ours.
Whose = Callable[[Sequence[Refused]], list[tuple[UUID | None, str]]]


@dataclass(slots=True)
class _Outcome:
    """What came of the events of a batch, by their places."""

    fresh: int
    refused: list[Refused]


@dataclass(slots=True)
class _Change:
    """What is new of a visitor."""

    converted_at: datetime | None = None
    value: int = 0
    secondary_at: datetime | None = None


def track_results(batch: ResultBatch, *, is_bot: bool, now: datetime) -> Tracked:
    """Count the events of a batch and say what became of each.

    Views first, wherever in the batch they stand: a goal counts only for somebody who saw their variant before it. One
    that is told before the view is kept, and counts when the view comes. What is refused does not hold back the rest,
    and is counted. Nothing that an automated client tells counts. When this returns everything is durable. Raises
    ``Busy`` when the database has no time; then nothing was kept. Four statements at most, however many events; six
    with goals that wait for a view.
    """
    known = definitions(batch)
    heard, refused = check(batch, known, now=now)
    if is_bot:
        refused += [Refused(one.index, ExperimentRefusalReason.BOT, _SAID_BOT) for one in heard]
        heard = []
    outcome = _count(heard, refused, lambda told: reasons(told, batch, known), now=now)
    told = len(batch.events) + len(batch.unreadable)
    duplicates = told - len(outcome.refused) - outcome.fresh
    return Tracked(outcome.fresh, duplicates, sorted(outcome.refused, key=lambda one: one.index))


@retrying
def _count(heard: Sequence[Heard], refused: Sequence[Refused], whose: Whose, *, now: datetime) -> _Outcome:
    """Write all of it in one transaction."""
    if not heard and not refused:
        return _Outcome(0, [])
    with transaction.atomic():
        fresh = _see([one for one in heard if one.kind == Told.VIEW])
        reached, unseen = _reach([one for one in heard if one.kind != Told.VIEW])
        everything = [*refused, *unseen]
        if everything:
            _refuse(whose(everything), now=now)
    return _Outcome(fresh + reached, everything)


def _see(views: Sequence[Heard]) -> int:
    """Keep each visitor's first view, in whatever order they come; return how many visitors are new."""
    first: dict[Person, Heard] = {}
    for one in sorted(views, key=lambda view: view.at):
        first.setdefault(one.person, one)
    if not first:
        return 0
    people = sorted(first)
    answer = statements.run(
        _SEE,
        {
            **_keys(people),
            "places": [first[person].place for person in people],
            "times": [first[person].at for person in people],
            "tolerance": CLOCK_TOLERANCE,
        },
    )
    return sum(is_new for (is_new,) in answer.fetchall())


def _reach(goals: Sequence[Heard]) -> tuple[int, list[Refused]]:
    """Keep the earliest goal and secondary metric of each visitor; return how many are new, and those of before."""
    if not goals:
        return 0, []
    held = _held_or_waiting(goals)
    changes: dict[Person, _Change] = {}
    fresh, before = 0, []
    # By time, so that of a batch the earliest is the one that counts; of one time the first that was told.
    for one in sorted(goals, key=lambda goal: goal.at):
        seen_at, converted_at, secondary_at = held[one.person]
        if seen_at is not None and seen_at > one.at + CLOCK_TOLERANCE:
            before.append(Refused(one.index, ExperimentRefusalReason.NO_EXPOSURE, _SAID_UNSEEN))
            continue
        change = changes.setdefault(one.person, _Change())
        if one.kind == Told.GOAL and change.converted_at is None and _is_earlier(one.at, converted_at):
            change.converted_at, change.value = one.at, one.value
            fresh += converted_at is None
        elif one.kind == Told.SECONDARY and change.secondary_at is None and _is_earlier(one.at, secondary_at):
            change.secondary_at = one.at
            fresh += secondary_at is None
    _convert({person: change for person, change in changes.items() if change != _Change()})
    return fresh, before


def _is_earlier(at: datetime, than: datetime | None) -> bool:
    return than is None or at < than


def _held_or_waiting(goals: Sequence[Heard]) -> dict[Person, Reached]:
    """Lock the visitors; for those of whom nothing was told yet make the row that waits for their view."""
    places = {one.person: one.place for one in goals}
    held = _held(sorted(places))
    unseen = sorted(places.keys() - held.keys())
    if unseen:
        given = _keys(unseen) | {"places": [places[person] for person in unseen]}
        statements.run(_WAIT, given)
        held |= _held(unseen)
    return held


def _held(people: Sequence[Person]) -> dict[Person, Reached]:
    """Lock the visitors, and return when they saw their variant and when they reached what."""
    answer = statements.run(_HOLD, _keys(people))
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in answer.fetchall()}


def _keys(people: Sequence[Person]) -> dict[str, object]:
    return {
        "experiments": [experiment for experiment, _ in people],
        "visitors": [visitor for _, visitor in people],
    }


def _convert(changes: dict[Person, _Change]) -> None:
    if not changes:
        return
    statements.run(
        _CONVERT,
        {
            **_keys(list(changes)),
            "converted": [change.converted_at for change in changes.values()],
            "values": [change.value for change in changes.values()],
            "secondary": [change.secondary_at for change in changes.values()],
        },
    )


def _refuse(refused: Sequence[tuple[UUID | None, str]], *, now: datetime) -> None:
    counted = list(Counter(refused).items())
    statements.run(
        _REFUSED,
        {
            "day": now.astimezone(UTC).date(),
            "experiments": [experiment for (experiment, _), _ in counted],
            "reasons": [str(reason) for (_, reason), _ in counted],
            "counts": [count for _, count in counted],
        },
    )
