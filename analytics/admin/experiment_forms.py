"""The form of an experiment. It checks shapes only; what the service refuses is told at its field."""

import re
from typing import Any, Final

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from analytics.models import Experiment
from analytics.models.experiments import (
    LEAST_SAMPLE,
    MAXIMUM_HYPOTHESIS,
    MAXIMUM_KEY,
    MAXIMUM_NAME,
    MAXIMUM_SAMPLE,
    MAXIMUM_VARIANTS,
    MAXIMUM_WEIGHT,
)
from analytics.types.experiments import ExperimentInput, VariantInput
from common.errors import FieldError, Invalid

PLAIN: Final = ("slug", "name", "hypothesis", "metric", "minimum_sample")
# Room for one more than there are, and for four in a new one.
_ROOM: Final = 4
_PARTS: Final = ("key", "name", "weight")
_PLACE: Final = re.compile(r"variants\[(\d+)\]\.(id|name|weight)")


def rows_for(experiment: Experiment | None) -> list[tuple[str, ...]]:
    """Return the names of the fields of each variant's line."""
    there = 0 if experiment is None else experiment.variants.count()
    shown = min(MAXIMUM_VARIANTS, max(_ROOM, there + 1))
    return [tuple(f"variant_{row}_{part}" for part in _PARTS) for row in range(1, shown + 1)]


def _line(row: int) -> dict[str, forms.Field]:
    called = "Control" if row == 1 else f"Variant {row}"
    return {
        f"variant_{row}_key": forms.CharField(
            required=False, max_length=MAXIMUM_KEY, widget=UnfoldAdminTextInputWidget(), label=f"{called}: id"
        ),
        f"variant_{row}_name": forms.CharField(
            required=False, max_length=MAXIMUM_NAME, widget=UnfoldAdminTextInputWidget(), label=f"{called}: name"
        ),
        f"variant_{row}_weight": forms.IntegerField(
            required=False, min_value=0, max_value=MAXIMUM_WEIGHT, initial=1, widget=UnfoldAdminIntegerFieldWidget(),
            label=f"{called}: weight",
        ),
    }  # fmt: skip


class ExperimentForm(forms.ModelForm):  # type: ignore[type-arg]
    """An experiment with its variants, a line each; an empty line is none."""

    hypothesis = forms.CharField(
        required=False, max_length=MAXIMUM_HYPOTHESIS, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="What you expect, and why. It keeps you honest later.",
    )  # fmt: skip
    minimum_sample = forms.IntegerField(
        min_value=LEAST_SAMPLE, max_value=MAXIMUM_SAMPLE, initial=1_000, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="People that each variant needs before anything is said of a difference.",
    )  # fmt: skip
    # A class body's names are its fields.
    locals().update(
        {name: field for row in range(1, MAXIMUM_VARIANTS + 1) for name, field in _line(row).items()}
    )

    class Meta:
        model = Experiment
        fields = ("event", *PLAIN)
        help_texts = {
            "slug": "What front ends call it: small letters, digits, - and _. It is part of who sees what.",
            "metric": "What decides: how many reach the goal, or how much a person brings.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        for row, one in enumerate(self.instance.variants.order_by("position"), start=1):
            self.initial.update({
                f"variant_{row}_key": one.key, f"variant_{row}_name": one.name, f"variant_{row}_weight": one.weight,
            })  # fmt: skip

    def as_input(self) -> ExperimentInput:
        """Return what was typed as the service takes it."""
        plain = {name: self.cleaned_data[name] for name in PLAIN}
        return ExperimentInput(**plain, variants=tuple(one for _, one in self._variants()))

    def named_as_here(self, refused: Invalid) -> Invalid:
        """Return a refusal with the names of this form's fields."""
        rows = [row for row, _ in self._variants()]
        return Invalid(
            errors=[FieldError(_name_here(one.field, rows), one.code, one.message) for one in refused.errors]
        )

    def _variants(self) -> list[tuple[int, VariantInput]]:
        """Return the lines that say something, with their numbers."""
        found = []
        for row in range(1, MAXIMUM_VARIANTS + 1):
            key, name, weight = (self.cleaned_data.get(f"variant_{row}_{part}") for part in _PARTS)
            if key or name:
                found.append(
                    (row, VariantInput((key or "").strip(), name or "", 1 if weight is None else weight))
                )
        return found

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the service judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {field.name for field in Experiment._meta.get_fields()}


def _name_here(field: str, rows: list[int]) -> str:
    found = _PLACE.fullmatch(field)
    if found is None:
        return "variant_1_key" if field == "variants" else field
    part = "key" if found[2] == "id" else found[2]
    return f"variant_{rows[int(found[1])]}_{part}"
