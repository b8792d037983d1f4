"""The demo's experiment: which color of the buy button sells more, three weeks into it.

Everything goes through the services: defined and started by the owner, and told day by day as front ends tell it.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from accounts.services.access import actor_of
from analytics.models import Experiment
from analytics.services.experiments.defining import create_experiment, start_experiment
from analytics.services.experiments.tracking import track_results
from analytics.statistics.assignment import assigned
from analytics.types.experiments import ExperimentInput, IncomingResult, ResultBatch, Told, VariantInput
from config.demo.events import Stage
from config.demo.people import People

SLUG: Final = "checkout_button_color"
_VARIANTS: Final = (VariantInput("control", "Violet button"), VariantInput("green", "Green button"))
# Of a hundred who see it, how many open a checkout.
_RATES: Final = (0.10, 0.14)
_DAYS: Final = 21
_A_DAY: Final = (110, 190)
# What a checkout is worth, in cents: mostly a shirt or the film.
_VALUES: Final = (1_999, 2_500, 2_500, 5_000, 8_000, 15_000)
_LOOKS_AGAIN: Final = 0.15
_ASKS_FOR_MORE: Final = 0.3


def seed_experiments(people: People, stage: Stage, *, now: datetime) -> int:
    """Define, start and fill the experiment once; return how many there are at the conference."""
    event, owner = stage.events["demo-conf"], actor_of(people.users["owner"])
    if not Experiment.objects.filter(event=event, slug=SLUG).exists():
        began = now - timedelta(days=_DAYS)
        given = ExperimentInput(
            slug=SLUG, name="Color of the buy button", minimum_sample=1_000, variants=_VARIANTS,
            hypothesis="A green button stands out from the page, so more people open a checkout.",
        )  # fmt: skip
        made = create_experiment(actor=owner, event_id=event.pk, given=given, now=began)
        start_experiment(actor=owner, ref=SLUG, now=began, reason="The conference is on sale")
        _fill(made, began)
    return Experiment.objects.filter(event=event).count()


def _fill(experiment: Experiment, began: datetime) -> None:
    # The same three weeks each time.
    chance = random.Random(2026)
    for day in range(_DAYS):
        start = began + timedelta(days=day)
        visitors = range(chance.randint(*_A_DAY))
        told = [event for one in visitors for event in _visit(experiment, f"demo-{day}-{one}", start, chance)]
        track_results(
            ResultBatch(events=list(enumerate(told))), is_bot=False, now=start + timedelta(hours=23)
        )


def _visit(
    experiment: Experiment, token: str, day: datetime, chance: random.Random
) -> Iterator[IncomingResult]:
    place = assigned(token, SLUG, [one.weight for one in _VARIANTS])
    at = day + timedelta(minutes=chance.randint(1, 1_200))

    def told(kind: Told, after: timedelta = timedelta(0), value: int | None = None) -> IncomingResult:
        return IncomingResult(
            test_id=SLUG, event_id=experiment.event_id, session_token=token, variant_id=_VARIANTS[place].key,
            event_type=kind, goal_value=value, timestamp=at + after,
        )  # fmt: skip

    yield told(Told.VIEW)
    if chance.random() < _LOOKS_AGAIN:
        yield told(Told.VIEW, timedelta(minutes=40))
    if chance.random() < _ASKS_FOR_MORE:
        yield told(Told.SECONDARY, timedelta(minutes=1))
    if chance.random() < _RATES[place]:
        yield told(Told.GOAL, timedelta(minutes=3), chance.choice(_VALUES))
