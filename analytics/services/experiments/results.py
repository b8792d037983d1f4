"""The results of an experiment, read from what is kept of its people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from analytics.models import Experiment, ExperimentRefusal, ExperimentRefusalReason, ExperimentStatus
from analytics.selectors.experiments import experiment_of
from analytics.services.experiments.overlaps import warnings_of
from analytics.services.experiments.verdict import verdict
from analytics.types.experiments import Results, Tally
from common import statements
from common.db import sqlstate_of
from common.errors import Busy
from common.types import Actor

STATEMENT_SECONDS: Final = 5
_ENDED: Final = "57014"
# Squares of minor units pass bigint long before they pass numeric.
# Rows that were deleted for their age were counted before, in the statement that deleted them. Goals that wait for
# their view count nothing; how many there are is told with what was refused.
_TALLY = statements.one_line("""
SELECT experiment_id, place, sum(people), sum(conversions), sum(secondary), sum(total), sum(squares), sum(waiting)
FROM (
    SELECT experiment_id, place, count(*) FILTER (WHERE seen_at IS NOT NULL) AS people,
        count(converted_at) FILTER (WHERE seen_at IS NOT NULL) AS conversions,
        count(secondary_at) FILTER (WHERE seen_at IS NOT NULL) AS secondary,
        coalesce(sum(value) FILTER (WHERE seen_at IS NOT NULL), 0) AS total,
        coalesce(sum(value::numeric * value) FILTER (WHERE seen_at IS NOT NULL), 0) AS squares,
        count(*) FILTER (WHERE seen_at IS NULL) AS waiting
    FROM analytics_exposure WHERE experiment_id = ANY(%(experiments)s::uuid[]) GROUP BY experiment_id, place
    UNION ALL
    SELECT experiment_id, place, people, conversions, secondary, total, squares, 0
    FROM analytics_experimenttally WHERE experiment_id = ANY(%(experiments)s::uuid[])
) kept GROUP BY experiment_id, place
""")


@dataclass(frozen=True, slots=True)
class Counted:
    """What is kept of one experiment's people, by the variants' places, and how often what was refused, by reason."""

    tallies: dict[int, Tally]
    refused: dict[str, int]


Counts = dict[UUID, Counted]


def results(*, actor: Actor, ref: str, now: datetime) -> Results:
    """Return an experiment's results by its id or slug, for analysts and up.

    A fixed number of statements, however many people. Raises as ``access.require``; a missing one is as another
    organization's. Raises ``Busy`` when the database takes too long.
    """
    return results_of([experiment_of(actor, ref)], now=now)[0]


def results_of_event(event_id: UUID, *, now: datetime) -> list[Results]:
    """Return the results of all experiments of an event that were started and are not archived, by their start.

    For readers who were let in already. A fixed number of statements, however many experiments and people. Raises
    ``Busy`` as above.
    """
    return results_of(started_at(event_id)[::-1], now=now)


def started_at(event_id: UUID, *, newest: int | None = None) -> list[Experiment]:
    """Return an event's experiments that were started and are not archived, the newest first; so many at most."""
    found = Experiment.objects.filter(event_id=event_id, is_archived=False).exclude(
        status=ExperimentStatus.DRAFT
    )
    found = found.select_related("event").prefetch_related("variants").order_by("-started_at", "-pk")
    return list(found[:newest])


def results_of(experiments: Sequence[Experiment], *, now: datetime) -> list[Results]:
    """Return the results of experiments whose reader was let in already. Three statements, and their variants.

    Raises as ``count_people``: the figures of an experiment are all of now, or none.
    """
    counts = count_people([one.pk for one in experiments])
    return warned(judged(experiments, counts, now=now), now=now)


def warned(found: Sequence[Results], *, now: datetime) -> list[Results]:
    """Return these results with a warning for each other experiment that they are mixed up with. One statement."""
    warnings = warnings_of([one.experiment for one in found], now=now)
    return [replace(one, warnings=warnings.get(one.experiment.pk, ())) for one in found]


def judged(experiments: Sequence[Experiment], counts: Counts, *, now: datetime) -> list[Results]:
    """Return what these counts say, which are of ``now``. No statement."""
    return [
        verdict(
            one,
            sorted(one.variants.all(), key=lambda variant: variant.position),
            counts[one.pk].tallies,
            refused=counts[one.pk].refused,
            now=now,
        )
        for one in experiments
    ]


def count_people(experiment_ids: Sequence[UUID]) -> Counts:
    """Count the people of these experiments, and what was refused. Two statements, of five seconds each.

    Raises ``Busy`` when one takes longer.
    """
    counts: Counts = {one: Counted({}, {}) for one in experiment_ids}
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            _add_tallies(counts)
            _add_refused(counts)
    except OperationalError as error:
        if sqlstate_of(error) != _ENDED:
            raise
        raise Busy from error
    return counts


def _add_tallies(counts: Counts) -> None:
    for experiment_id, place, *sums in statements.run(_TALLY, {"experiments": list(counts)}).fetchall():
        *counted, waiting = (int(one) for one in sums)
        counts[experiment_id].tallies[place] = Tally(*counted)
        _add(counts[experiment_id].refused, ExperimentRefusalReason.NO_EXPOSURE.value, waiting)


def _add_refused(counts: Counts) -> None:
    """Add how often each reason stood against an event, the most frequent first."""
    counted = ExperimentRefusal.objects.filter(experiment__in=counts).values_list("experiment_id", "reason")
    for experiment_id, reason, times in counted.annotate(times=Sum("count")).order_by("-times", "reason"):
        _add(counts[experiment_id].refused, reason, times)


def _add(refused: dict[str, int], reason: str, times: int) -> None:
    """Count so many more, and keep the most frequent first."""
    if times:
        refused[reason] = refused.get(reason, 0) + times
        ordered = sorted(refused.items(), key=lambda one: (-one[1], one[0]))
        refused.clear()
        refused.update(ordered)
