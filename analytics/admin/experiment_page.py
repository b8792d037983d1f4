"""What the page of an experiment's results shows: the verdict in words, and each variant's range as a picture."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.admin_base import Act
from analytics.models import Experiment, ExperimentRefusalReason, Metric
from analytics.services.experiments.words import brought_by, likely_brought_by
from analytics.types.experiments import Results, VariantResult, Verdict
from common.admin.times import time_words
from common.money import format_money

_TONES = {
    Verdict.COLLECTING: "mq-hint", Verdict.RUNNING: "mq-hint", Verdict.DECIDED: "mq-good", Verdict.INVALID: "mq-off",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One variant, in words, with where its range begins and ends on a line of 100."""

    told: VariantResult
    is_winner: bool
    start: float
    length: float
    middle: float

    @property
    def rate(self) -> str:
        """Say how many of a hundred reached the goal."""
        return _percent(self.told.conversion_rate, 2)

    @property
    def range(self) -> str:
        """Say between what the rate likely lies."""
        return _between(self.told.interval, 2)

    @property
    def lift(self) -> str:
        """Say how it compares with the control."""
        return "-" if self.told.lift is None else f"{self.told.lift:+.1f} %"

    @property
    def lift_range(self) -> str:
        """Say between what the lift likely lies."""
        return _between(self.told.lift_interval, 0, "+")

    @property
    def sure(self) -> str:
        """Say how sure it is that it differs from the control."""
        return _percent(self.told.confidence_level, 2)

    @property
    def revenue(self) -> str:
        """Say what its people brought."""
        return format_money(self.told.revenue)

    @property
    def per_person(self) -> str:
        """Say what one of them brought."""
        return brought_by(self.told)

    @property
    def per_person_range(self) -> str:
        """Say between what that likely lies."""
        return likely_brought_by(self.told)


def results_context(found: Results, acts: list[Act], *, can_edit: bool) -> dict[str, Any]:
    """Return all that the page shows. No statement."""
    experiment, zone = found.experiment, found.experiment.event.zone
    labels = dict(ExperimentRefusalReason.choices)
    return {
        "found": found,
        "experiment": experiment,
        "tone": _TONES[found.status],
        "rows": _rows(found),
        "is_of_revenue": experiment.metric == Metric.REVENUE,
        "as_of": time_words(found.as_of, zone),
        "started": time_words(experiment.started_at, zone),
        "stopped": time_words(experiment.stopped_at, zone),
        "confidence": _percent(found.confidence, 2),
        "division": _division(found),
        "refused": [(labels[reason], count) for reason, count in found.refused.items()],
        "acts": [(one, _act_url(one, experiment)) for one in acts],
        "edit_url": reverse("admin:analytics_experiment_change", args=[experiment.pk]) if can_edit else "",
        "list_url": reverse("admin:analytics_experiment_changelist"),
    }


def _act_url(act: Act, experiment: Experiment) -> str:
    return f"{reverse('admin:analytics_experiment_act', args=[act.name])}?ids={experiment.pk}"


def _rows(found: Results) -> list[Row]:
    """Place the ranges side by side on one scale, from the lowest to the highest."""
    ends = [(one.interval.low, one.interval.high) for one in found.variants if one.interval]
    low = min((one for one, _ in ends), default=0.0)
    wide = max((one for _, one in ends), default=0.0) - low or 1.0

    def at(percent: float) -> float:
        return round(100 * (percent - low) / wide, 2)

    rows = []
    for one in found.variants:
        start, end = (at(one.interval.low), at(one.interval.high)) if one.interval else (0.0, 0.0)
        middle = at(one.conversion_rate) if one.conversion_rate is not None else 0.0
        rows.append(Row(one, one.variant_id == found.winner, start, round(end - start, 2), middle))
    return rows


def _division(found: Results) -> str:
    if not found.srm.is_ok:
        return "Wrong: not as the weights say"
    return "Too early to say" if found.srm.p_value is None else "As the weights say"


def _percent(percent: float | None, decimals: int) -> str:
    return "N/A" if percent is None else f"{percent:.{decimals}f} %"


def _between(interval: Any, decimals: int, sign: str = "") -> str:
    if interval is None:
        return "-"
    return f"{interval.low:{sign}.{decimals}f} to {interval.high:{sign}.{decimals}f} %"
