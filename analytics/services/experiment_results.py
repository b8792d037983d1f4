"""The results of an experiment, read from what is kept of its people."""

from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from analytics.models import Experiment, ExperimentRefusal
from analytics.selectors.experiments import experiment_of
from analytics.services.experiment_verdict import verdict
from analytics.types.experiments import Results, Tally
from common import statements
from common.types import Actor

# Squares of minor units pass bigint long before they pass numeric.
_TALLY = statements.one_line("""
SELECT place, count(*), count(converted_at), count(secondary_at), coalesce(sum(value), 0),
    coalesce(sum(value::numeric * value), 0)
FROM analytics_exposure WHERE experiment_id = %(experiment)s GROUP BY place
""")


def results(*, actor: Actor, ref: str, now: datetime) -> Results:
    """Return an experiment's results by its id or slug, for analysts and up.

    Five statements, however many people. Raises as ``access.require``; a missing one is as another organization's.
    """
    return results_of(experiment_of(actor, ref), now=now)


def results_of(experiment: Experiment, *, now: datetime) -> Results:
    """Return the results of an experiment whose reader was let in already. Two statements, and its variants."""
    variants = sorted(experiment.variants.all(), key=lambda one: one.position)
    return verdict(experiment, variants, _tallies(experiment.pk), refused=_refused(experiment), now=now)


def _tallies(experiment_id: UUID) -> dict[int, Tally]:
    rows = statements.run(_TALLY, {"experiment": experiment_id}).fetchall()
    return {
        place: Tally(people, conversions, secondary, int(total), int(squares))
        for place, people, conversions, secondary, total, squares in rows
    }


def _refused(experiment: Experiment) -> dict[str, int]:
    counted = ExperimentRefusal.objects.filter(experiment=experiment).values_list("reason")
    return dict(counted.annotate(times=Sum("count")).order_by("-times", "reason"))
