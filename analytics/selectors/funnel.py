"""From views to purchases: how many of each stage went on to the next. No stage is made up."""

from dataclasses import dataclass

from analytics.types.figures import OfferFigures


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. ``count`` None: nothing of the kind was told. ``came`` and ``lost``: shares, 0 to 1, of ``after``.

    They are None for the first stage, and where more is counted than in the stage before, so that something was not
    told.
    """

    name: str
    count: int | None
    after: str = ""
    came: float | None = None
    lost: float | None = None


def funnel(figures: OfferFigures) -> tuple[Stage, ...]:
    """Return the stages. Each is compared with the last one before it of which anything was told. No statement."""
    counts = (
        ("Views", figures.total_views or None),
        ("Clicks", figures.total_clicks if figures.has_click_data else None),
        ("Carts", figures.total_carts or None),
        # From paid orders: none is known to be none.
        ("Purchases", figures.total_purchases),
    )
    stages: list[Stage] = []
    before: Stage | None = None
    for name, count in counts:
        stages.append(_stage(name, count, before))
        before = stages[-1] if count is not None else before
    return tuple(stages)


def _stage(name: str, count: int | None, before: Stage | None) -> Stage:
    if count is None or before is None or not before.count:
        return Stage(name, count)
    if count > before.count:
        return Stage(name, count, before.name)
    return Stage(name, count, before.name, count / before.count, (before.count - count) / before.count)
