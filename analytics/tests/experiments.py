"""Experiments for tests: ``make_experiment(running=True)``, and visitors who see its variants."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from accounts.tests.factories import NOW
from analytics.models import Experiment, Exposure, Variant
from analytics.services.experiments.defining import create_experiment, start_experiment
from analytics.services.experiments.tracking import track_results
from analytics.statistics.assignment import assigned
from analytics.types.experiments import ExperimentInput, IncomingResult, ResultBatch, VariantInput
from analytics.types.tracking import Tracked
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event

STARTED = NOW - timedelta(days=10)
_numbers = count(1)


def make_experiment(
    event: Event | None = None, *, running: bool = False, weights: tuple[int, ...] = (1, 1), **said: Any
) -> Experiment:
    """Define an experiment of variants a, b, c ..., and start it ten days ago where it is to run."""
    given = ExperimentInput(**{
        "slug": f"test-{next(_numbers)}", "name": "Button color",
        "variants": tuple(VariantInput(key, key.upper(), one) for key, one in zip("abcdefghij", weights, strict=False)),
        **said,
    })  # fmt: skip
    event = event or make_event()
    made = create_experiment(actor=SYSTEM, event_id=event.pk, given=given, now=STARTED)
    return start_experiment(actor=SYSTEM, ref=made.slug, now=STARTED) if running else made


def variants_of(experiment: Experiment) -> list[Variant]:
    """Return the variants in their order."""
    return list(experiment.variants.order_by("position"))


def tokens_of(experiment: Experiment, key: str, start: str = "visitor") -> Iterator[str]:
    """Yield session tokens that are to see a variant, without end."""
    variants = variants_of(experiment)
    weights = [one.weight for one in variants]
    for number in count():
        token = f"{start}-{number}"
        if variants[assigned(token, experiment.slug, weights)].key == key:
            yield token


def said(
    experiment: Experiment, token: str, kind: str = "variant_view", variant: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return an event as a front end tells it, by default of the variant that this session is to see."""
    variants = variants_of(experiment)
    own = variants[assigned(token, experiment.slug, [one.weight for one in variants])].key
    return {
        "test_id": experiment.slug, "event_id": str(experiment.event_id), "session_token": token,
        "variant_id": variant or own, "event_type": kind, **more,
    }  # fmt: skip


def tell(*events: dict[str, Any], now: datetime = NOW, bot: bool = False) -> Tracked:
    """Track events as the door does after it has read them."""
    read = [msgspec.json.decode(msgspec.json.encode(event), type=IncomingResult) for event in events]
    return track_results(ResultBatch(events=list(enumerate(read))), is_bot=bot, now=now)


def people(experiment: Experiment, *counts: tuple[int, int], value: int = 0) -> None:
    """Write down (people, conversions) for each variant in its order, each goal worth ``value``."""
    for place, (seen, converted) in enumerate(counts):
        Exposure.objects.bulk_create(
            Exposure(
                experiment=experiment, visitor=f"{place:08x}-0000-0000-0000-{number:012x}", place=place, seen_at=NOW,
                converted_at=NOW if number < converted else None, value=value if number < converted else 0,
            )
            for number in range(seen)
        )  # fmt: skip
