"""From views to purchases as a table: the stages that the console shows, by the same function."""

from analytics.exporting.sections import FUNNEL, Frame
from analytics.selectors.funnel import Stage, funnel
from analytics.types.exports import Cell, Rate, Section
from analytics.types.figures import OfferFigures


def funnel_section(figures: OfferFigures | None, *, gone: str) -> Section:
    """Return a row a stage; ``figures`` None: the table with the note that it could not be had."""
    if figures is None:
        return Frame.section(FUNNEL, (), notes=(gone,))
    stages = funnel(figures)
    untold = ", ".join(stage.name.lower() for stage in stages if stage.count is None)
    notes = (f"Front ends told of none of these, so they are left empty: {untold}.",) if untold else ()
    return Frame.section(FUNNEL, [_row(stage) for stage in stages], notes=notes)


def _row(stage: Stage) -> tuple[Cell, ...]:
    if not stage.after:
        return (stage.name, stage.count, None, None, None)
    return (stage.name, stage.count, stage.after, Rate(stage.came), Rate(stage.lost))
