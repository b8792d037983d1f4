"""The A/B tests of an event as a table: a row a variant, the verdict in words beside it."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from analytics.exporting.sections import EXPERIMENTS, Frame
from analytics.services.experiments.words import brought_by, likely_brought_by
from analytics.statistics.proportions import Interval
from analytics.types.experiments import Results, VariantResult
from analytics.types.exports import Cell, Rate, Section
from common.money import Money


def experiments_section(found: list[Results] | None, zone: tzinfo, *, gone: str) -> Section:
    """Return the table of all tests that were started; ``found`` None: with the note that it could not be had."""
    if found is None:
        return Frame.section(EXPERIMENTS, (), notes=(gone,))
    rows = [_row(one, variant, zone) for one in found for variant in one.variants]
    return Frame.section(EXPERIMENTS, rows, notes=tuple(_in_words(found)))


def _in_words(found: list[Results]) -> Iterator[str]:
    for one in found:
        yield f"{one.experiment.name} ({one.test_id}): {one.headline}. {one.recommendation}{_brought(one)}"
        yield from (f"{one.experiment.name} ({one.test_id}): {warning}" for warning in one.warnings)


def _brought(found: Results) -> str:
    """Say what a person brings with each variant, and between what it likely lies; nothing where nobody brought any."""
    if not any(one.revenue.amount for one in found.variants):
        return ""
    told = [(f"{brought_by(one)} with {one.name}", likely_brought_by(one)) for one in found.variants]
    words = [f"{brought} (likely {likely})" if likely else brought for brought, likely in told]
    return f" A person brings {', '.join(words)}."


def _row(one: Results, variant: VariantResult, zone: tzinfo) -> tuple[Cell, ...]:
    experiment = one.experiment
    control = " (control)" if variant.is_control else ""
    return (
        experiment.name, one.headline, f"{variant.name}{control}", variant.weight, variant.impressions,
        variant.conversions, _rate(variant.conversion_rate), *_ends(variant.interval), _rate(variant.lift),
        *_ends(variant.lift_interval), variant.revenue.currency, variant.revenue, *_per_person(variant),
        variant.p_value, variant.p_value_always_valid, experiment.get_status_display(),
        _at(experiment.started_at, zone), _at(experiment.stopped_at, zone), one.recommendation,
    )  # fmt: skip


def _rate(percent: float | None) -> Rate:
    return Rate(None if percent is None else percent / 100)  # results speak of percent, files of shares


def _per_person(variant: VariantResult) -> tuple[Money | None, ...]:
    """Return what a person brings, and the ends of its interval, in whole minor units."""
    interval = variant.revenue_interval
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return tuple(
        None if one is None else Money(round(one), variant.revenue.currency)
        for one in (variant.revenue_per_person, *ends)
    )


def _ends(interval: Interval | None) -> tuple[Rate, Rate]:
    return (Rate(None), Rate(None)) if interval is None else (_rate(interval.low), _rate(interval.high))


def _at(instant: datetime | None, zone: tzinfo) -> datetime | None:
    return None if instant is None else instant.astimezone(zone)
