"""The A/B tests of an event as a table: a row a variant, the verdict in words beside it."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from analytics.exporting.sections import EXPERIMENTS, Frame
from analytics.statistics.proportions import Interval
from analytics.types.experiments import Results, VariantResult
from analytics.types.exports import Cell, Rate, Section


def experiments_section(found: list[Results] | None, zone: tzinfo, *, gone: str) -> Section:
    """Return the table of all tests that were started; ``found`` None: with the note that it could not be had."""
    if found is None:
        return Frame.section(EXPERIMENTS, (), notes=(gone,))
    rows = [_row(one, variant, zone) for one in found for variant in one.variants]
    return Frame.section(EXPERIMENTS, rows, notes=tuple(_in_words(found)))


def _in_words(found: list[Results]) -> Iterator[str]:
    for one in found:
        yield f"{one.experiment.name} ({one.test_id}): {one.headline}. {one.recommendation}"


def _row(one: Results, variant: VariantResult, zone: tzinfo) -> tuple[Cell, ...]:
    experiment = one.experiment
    control = " (control)" if variant.is_control else ""
    return (
        experiment.name, one.headline, f"{variant.name}{control}", variant.weight, variant.impressions,
        variant.conversions, _rate(variant.conversion_rate), *_ends(variant.interval), _rate(variant.lift),
        *_ends(variant.lift_interval), variant.revenue.currency, variant.revenue, variant.p_value,
        variant.p_value_always_valid, experiment.get_status_display(), _at(experiment.started_at, zone),
        _at(experiment.stopped_at, zone), one.recommendation,
    )  # fmt: skip


def _rate(percent: float | None) -> Rate:
    return Rate(None if percent is None else percent / 100)  # results speak of percent, files of shares


def _ends(interval: Interval | None) -> tuple[Rate, Rate]:
    return (Rate(None), Rate(None)) if interval is None else (_rate(interval.low), _rate(interval.high))


def _at(instant: datetime | None, zone: tzinfo) -> datetime | None:
    return None if instant is None else instant.astimezone(zone)
