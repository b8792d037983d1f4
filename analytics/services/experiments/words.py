"""The verdict of an experiment in plain words: what is known, how sure it is, and what to do next."""

from dataclasses import dataclass
from typing import Final

from analytics.models import Experiment, ExperimentStatus, Metric
from analytics.models.experiments import MAXIMUM_SAMPLE
from analytics.statistics.sequential import ALPHA
from analytics.types.experiments import VariantResult, Verdict
from common.money import Money, format_money

# A lift that is surely smaller than this, in percent, is called too small to matter.
SMALL_LIFT: Final = 5.0
_ONE_IN: Final = round(1 / ALPHA)


@dataclass(frozen=True, slots=True)
class Known:
    """What the words are made of."""

    experiment: Experiment
    status: Verdict
    winner: str | None
    needed: int | None
    rows: tuple[VariantResult, ...]

    @property
    def control(self) -> VariantResult:
        """The first variant."""
        return self.rows[0]

    @property
    def others(self) -> list[VariantResult]:
        """The variants that people could see beside the control."""
        return [row for row in self.rows[1:] if row.weight]

    @property
    def has_ended(self) -> bool:
        """Say whether nobody comes any more."""
        return self.experiment.status == ExperimentStatus.STOPPED


def headline_of(known: Known) -> str:
    """Say the verdict in one short sentence."""
    if known.experiment.status == ExperimentStatus.DRAFT:
        return "Not started yet"
    if known.status == Verdict.COLLECTING:
        return "Stopped too early to say" if known.has_ended else "Too early to say"
    if known.status == Verdict.INVALID:
        return "These figures cannot be trusted"
    if known.status == Verdict.DECIDED:
        return f"{_winner(known).name} wins"
    if is_small(known):
        return "No difference that matters"
    return "No winner" if known.has_ended else "No winner yet"


def recommendation_of(known: Known) -> str:
    """Say what is known and what to do, so that nobody has to know statistics for it."""
    if known.experiment.status == ExperimentStatus.DRAFT:
        return "Nobody sees this experiment until it is started. From then on its variants cannot be changed."
    if known.status == Verdict.COLLECTING:
        return _collecting(known)
    if known.status == Verdict.INVALID:
        return _invalid(known)
    return _decided(known) if known.status == Verdict.DECIDED else _undecided(known)


def is_small(known: Known) -> bool:
    """Say whether every variant surely differs from the control by less than what matters."""
    intervals = [row.lift_interval for row in known.others]
    return known.experiment.metric == Metric.CONVERSION and all(
        one is not None and one.low > -SMALL_LIFT and one.high < SMALL_LIFT for one in intervals
    )


def _collecting(known: Known) -> str:
    fewest = min([known.control, *known.others], key=lambda row: row.impressions)
    seen = (
        f"{fewest.name} was seen by {fewest.impressions:,} of the {known.experiment.minimum_sample:,} people that each "
        "variant needs."
    )
    if known.has_ended:
        return (
            f"{seen} The experiment was stopped before; the difference above may be chance. Start a new one."
        )
    return f"{seen} Wait for {_people(known.needed or 0)} more; until then any difference may be chance."


def _invalid(known: Known) -> str:
    seen = ", ".join(f"{row.name} {row.impressions:,} (weight {row.weight})" for row in known.rows)
    return (
        f"People were not divided as the weights say: {seen}. Where all is well that happens in fewer than 1 of 1,000 "
        "looks, so something loses or adds people of one variant, such as a redirect, a script that fails, or a robot. "
        "Decide nothing by these figures: find the cause, then start a new experiment."
    )


def _decided(known: Known) -> str:
    winner = _winner(known)
    chance = (
        f"Where there is no difference, fewer than 1 of {_ONE_IN} experiments would ever show one like this, however "
        "often somebody looks."
    )
    if winner is known.control:
        beaten = "the other variant does" if len(known.others) == 1 else "all other variants do"
        return f"Keep {winner.name}: {beaten} worse. {_figures(known, winner)} {chance}"
    return f"Use {winner.name}. {_figures(known, winner)}{_range(known, winner)} {chance}"


def _figures(known: Known, winner: VariantResult) -> str:
    if known.experiment.metric == Metric.REVENUE:
        told = [f"{brought_by(row)} with {row.name}" for row in (winner, *_against(known, winner))]
        return f"A person brings {told[0]}, against {' and '.join(told[1:])}."
    told = [f"{row.conversion_rate or 0:.1f} % with {row.name}" for row in (winner, *_against(known, winner))]
    return f"Of those who see it, {told[0]} reach the goal, against {' and '.join(told[1:])}."


def _against(known: Known, winner: VariantResult) -> list[VariantResult]:
    return known.others if winner is known.control else [known.control]


def _range(known: Known, winner: VariantResult) -> str:
    if known.experiment.metric == Metric.REVENUE or winner.lift_interval is None:
        return ""
    low, high = winner.lift_interval.low, winner.lift_interval.high
    return f" The gain is likely between {low:+.0f} % and {high:+.0f} %."


def _undecided(known: Known) -> str:
    if is_small(known):
        return (
            f"If there is a difference, it is likely smaller than {SMALL_LIFT:.0f} % of {known.control.name}'s rate: "
            "too small to matter. Keep what is simpler, and try something bolder."
        )
    if known.has_ended:
        return (
            "Nothing shows that one variant is better than the others. Keep what is simpler, or ask again with a "
            "bolder change or for longer."
        )
    start = "The difference so far may well be chance."
    if known.needed is None:
        return f"{start} Let it run, or stop it and keep what is simpler."
    if known.needed > MAXIMUM_SAMPLE:
        return f"{start} It is so small that no number of visitors would settle it: keep what is simpler."
    return (
        f"{start} If it is as large as it looks, about {_people(known.needed)} more for each variant will show it. "
        "Looking meanwhile does no harm."
    )


def _winner(known: Known) -> VariantResult:
    return next(row for row in known.rows if row.variant_id == known.winner)


def brought_by(row: VariantResult) -> str:
    """Say what a person of a variant brings; ``-`` where nobody was counted."""
    brought = row.revenue_per_person
    return "-" if brought is None else _amount(row, brought)


def likely_brought_by(row: VariantResult) -> str:
    """Say between what it likely lies, at the 95 % level; nothing where that is not known."""
    interval = row.revenue_interval
    return "" if interval is None else f"{_amount(row, interval.low)} to {_amount(row, interval.high)}"


def _amount(row: VariantResult, minor_units: float) -> str:
    return format_money(Money(round(minor_units), row.revenue.currency))


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"
