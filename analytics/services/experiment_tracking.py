"""Counting what front ends tell of experiments: each visitor once, in the variant that is theirs.

A visitor is one row from their first view on, also when that is told after a later one. A goal counts once, with the
value of the one that came first; so does the secondary metric. What is told again, in whatever order and by however
many at once, changes nothing, so no ledger of ids is needed.
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
from analytics.services.experiment_checking import Heard, check, definitions, reasons
from analytics.types.experiments import ResultBatch, Told
from analytics.types.tracking import Refused, Tracked
from common import statements
from common.db import retrying

# In the order of the key, so that two batches with the same people wait for each other and never in a circle. What
# comes first need not be what was first: an earlier view moves the row's time, and xmax tells new rows from those.
_SEE = statements.one_line("""
INSERT INTO analytics_exposure AS e (experiment_id, visitor, place, seen_at, value)
SELECT experiment_id, visitor, place, seen_at, 0
FROM unnest(%(experiments)s::uuid[], %(visitors)s::uuid[], %(places)s::smallint[], %(times)s::timestamptz[])
    AS n (experiment_id, visitor, place, seen_at)
ORDER BY experiment_id, visitor
ON CONFLICT (experiment_id, visitor) DO UPDATE SET seen_at = excluded.seen_at WHERE excluded.seen_at < e.seen_at
RETURNING xmax = 0
""")

_HOLD = statements.one_line("""
SELECT e.experiment_id, e.visitor, e.seen_at, e.converted_at IS NOT NULL, e.secondary_at IS NOT NULL
FROM analytics_exposure e
JOIN unnest(%(experiments)s::uuid[], %(visitors)s::uuid[]) AS n (experiment_id, visitor)
    USING (experiment_id, visitor)
ORDER BY e.experiment_id, e.visitor
FOR NO KEY UPDATE OF e
""")

_CONVERT = statements.one_line("""
UPDATE analytics_exposure e
SET converted_at = coalesce(e.converted_at, n.converted_at), value = e.value + n.value,
    secondary_at = coalesce(e.secondary_at, n.secondary_at)
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
_SAID_UNSEEN: Final = "variant_id: this session was not told to have seen a variant before."

Person = tuple[UUID, UUID]
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

    Views first, wherever in the batch they stand: a goal counts only for somebody who was told to have seen their
    variant, before or in the same batch. What is refused does not hold back the rest, and is counted. Nothing that an
    automated client tells counts. When this returns everything is durable. Raises ``Busy`` when the database has no
    time; then nothing was kept. Four statements at most, however many events.
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
            "experiments": [experiment for experiment, _ in people],
            "visitors": [visitor for _, visitor in people],
            "places": [first[person].place for person in people],
            "times": [first[person].at for person in people],
        },
    )
    return sum(is_new for (is_new,) in answer.fetchall())


def _reach(goals: Sequence[Heard]) -> tuple[int, list[Refused]]:
    """Keep the first goal and secondary metric of each visitor; return how many are new, and those never exposed."""
    if not goals:
        return 0, []
    held = _held(sorted({one.person for one in goals}))
    changes: dict[Person, _Change] = {}
    fresh, unseen = 0, []
    for one in goals:
        seen_at, has_converted, has_secondary = held.get(one.person, (None, False, False))
        if seen_at is None or seen_at > one.at + CLOCK_TOLERANCE:
            unseen.append(Refused(one.index, ExperimentRefusalReason.NO_EXPOSURE, _SAID_UNSEEN))
            continue
        change = changes.setdefault(one.person, _Change())
        if one.kind == Told.GOAL and not has_converted and change.converted_at is None:
            change.converted_at, change.value = one.at, one.value
            fresh += 1
        elif one.kind == Told.SECONDARY and not has_secondary and change.secondary_at is None:
            change.secondary_at = one.at
            fresh += 1
    _convert({person: change for person, change in changes.items() if change != _Change()})
    return fresh, unseen


def _held(people: Sequence[Person]) -> dict[Person, tuple[datetime, bool, bool]]:
    """Lock the visitors, and return when they saw their variant and what they have reached."""
    answer = statements.run(
        _HOLD,
        {
            "experiments": [experiment for experiment, _ in people],
            "visitors": [visitor for _, visitor in people],
        },
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in answer.fetchall()}


def _convert(changes: dict[Person, _Change]) -> None:
    if not changes:
        return
    statements.run(
        _CONVERT,
        {
            "experiments": [experiment for experiment, _ in changes],
            "visitors": [visitor for _, visitor in changes],
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
