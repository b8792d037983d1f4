"""What makes an experiment right. One place for REST and the admin; the database's CHECKs say most of it again."""

import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from analytics.models.experiments import (
    KEY_PATTERN,
    LEAST_SAMPLE,
    MAXIMUM_HYPOTHESIS,
    MAXIMUM_NAME,
    MAXIMUM_SAMPLE,
    MAXIMUM_VARIANTS,
    MAXIMUM_WEIGHT,
    Experiment,
    Metric,
)
from analytics.types.experiments import ExperimentInput, VariantInput
from common.errors import FieldError, Invalid, besides

_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)
# Addresses under ``ab-tests/`` that are no experiments.
_TAKEN: Final = frozenset({"track"})
_KEY_SAID: Final = "Small letters, digits, - and _, at most 64, beginning with a letter or digit."
DEFAULTS: Final[dict[str, Any]] = {
    "slug": "", "name": "", "hypothesis": "", "metric": Metric.CONVERSION.value, "minimum_sample": 1_000,
    "variants": (),
}  # fmt: skip


def judge(
    given: ExperimentInput, *, experiment: Experiment | None = None, is_whole: bool = False
) -> dict[str, Any]:
    """Return the experiment's columns and its ``variants``, merged with what is there already.

    ``is_whole``: what is not named gets its default. Raises ``Invalid`` with every field that is wrong. One query,
    for the variants of an experiment that is there.
    """
    values = dict(DEFAULTS) if experiment is None or is_whole else _columns_of(experiment)
    values |= {name: _tidy(value) for name, value in given.given().items()}
    found = [*_slug(values), *_texts(values), *_numbers(values), *_variants(values["variants"])]
    if errors := besides(given.unreadable, found):
        raise Invalid(errors=errors)
    values["variants"] = tuple(
        VariantInput(one.key, one.name.strip() or one.key, one.weight) for one in values["variants"]
    )
    return values


def _columns_of(experiment: Experiment) -> dict[str, Any]:
    stored = experiment.variants.order_by("position")
    return {
        **{name: getattr(experiment, name) for name in DEFAULTS if name != "variants"},
        "variants": tuple(VariantInput(one.key, one.name, one.weight) for one in stored),
    }


def _tidy(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _slug(values: dict[str, Any]) -> Iterator[FieldError]:
    if not values["slug"]:
        yield FieldError("slug", "required", "Say what front ends call it.")
    elif not _KEY.match(values["slug"]):
        yield FieldError("slug", "invalid", _KEY_SAID)
    elif values["slug"] in _TAKEN or _is_uuid(values["slug"]):
        yield FieldError("slug", "invalid", "This would be taken for something else; choose another.")


def _texts(values: dict[str, Any]) -> Iterator[FieldError]:
    if not values["name"]:
        yield FieldError("name", "required", "Give a name.")
    for name, most in (("name", MAXIMUM_NAME), ("hypothesis", MAXIMUM_HYPOTHESIS)):
        if len(values[name]) > most:
            yield FieldError(name, "too_long", f"At most {most} characters.")
        elif "\0" in values[name]:
            yield FieldError(name, "unreadable_text", "This text contains characters that are not text.")
    if values["metric"] not in Metric.values:
        yield FieldError("metric", "invalid_choice", f"One of {', '.join(Metric.values)}.")


def _numbers(values: dict[str, Any]) -> Iterator[FieldError]:
    if not LEAST_SAMPLE <= values["minimum_sample"] <= MAXIMUM_SAMPLE:
        said = f"{LEAST_SAMPLE} to {MAXIMUM_SAMPLE:,} people a variant."
        yield FieldError("minimum_sample", "out_of_range", said)


def _variants(variants: tuple[VariantInput, ...]) -> Iterator[FieldError]:
    for place, one in enumerate(variants[: MAXIMUM_VARIANTS + 1]):
        yield from _variant(f"variants[{place}]", one)
    keys = [one.key for one in variants]
    if not 2 <= len(keys) <= MAXIMUM_VARIANTS:
        yield FieldError(
            "variants", "out_of_range", f"2 to {MAXIMUM_VARIANTS} variants; the first is the control."
        )
    elif len(set(keys)) < len(keys):
        yield FieldError("variants", "repeated", "Call each variant something else.")
    elif not variants[0].weight or sum(one.weight > 0 for one in variants) < 2:
        yield FieldError("variants", "no_weight", "The control and at least one other variant need a weight.")


def _variant(place: str, one: VariantInput) -> Iterator[FieldError]:
    if not _KEY.match(one.key):
        yield FieldError(f"{place}.id", "invalid", _KEY_SAID)
    if len(one.name) > MAXIMUM_NAME:
        yield FieldError(f"{place}.name", "too_long", f"At most {MAXIMUM_NAME} characters.")
    elif "\0" in one.name:
        yield FieldError(
            f"{place}.name", "unreadable_text", "This text contains characters that are not text."
        )
    if not 0 <= one.weight <= MAXIMUM_WEIGHT:
        yield FieldError(f"{place}.weight", "out_of_range", f"0 to {MAXIMUM_WEIGHT:,}.")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
