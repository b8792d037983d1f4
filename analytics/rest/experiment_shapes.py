"""Shapes of experiments on REST. Rules of an experiment are the service's."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analytics.models import ExperimentRefusalReason, ExperimentStatus, Metric
from analytics.types.experiments import ExperimentInput, Told, VariantInput, Verdict
from common.rest import MoneyField, ReadBody, StrictSerializer

Base = serializers.Serializer[Any]
_LONGEST_REASON = 500
_REASONS = f"One of {', '.join(ExperimentRefusalReason.values)}."


class AbTestVariantSerializer(StrictSerializer):
    """A variant, in the stored order; the first is the control."""

    id = serializers.CharField(help_text="What front ends call it: small letters, digits, - and _.")
    name = serializers.CharField(required=False, allow_blank=True, default="")
    weight = serializers.IntegerField(
        required=False, default=1, help_text="Its share of people; 0 to 10,000."
    )


class AbTestWriteSerializer(StrictSerializer):
    """What a caller may say about a draft."""

    slug = serializers.CharField(
        required=False, allow_blank=True, help_text="Required. Unique in the organization."
    )
    name = serializers.CharField(
        required=False, allow_blank=True, help_text="Required. At most 200 characters."
    )
    hypothesis = serializers.CharField(
        required=False, allow_blank=True, help_text="At most 2,000 characters."
    )
    metric = serializers.CharField(required=False, help_text=f"{', '.join(Metric.values)}; conversion.")
    minimum_sample = serializers.IntegerField(required=False, help_text="People a variant; 10 or more, 1000.")
    variants = AbTestVariantSerializer(many=True, required=False, help_text="Required. 2 to 10.")


class AbTestCreateSerializer(AbTestWriteSerializer):
    """An experiment to be defined: its event beside the rest."""

    event_id = serializers.UUIDField()


class AbTestReasonSerializer(StrictSerializer):
    """An act that may say why."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=_LONGEST_REASON)


class AbTestVariantShape(Base):
    """A variant."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    weight = serializers.IntegerField()


class AbTestShape(Base):
    """An experiment, loaded with its variants."""

    id = serializers.UUIDField()
    test_id = serializers.CharField(source="slug")
    slug = serializers.CharField()
    event_id = serializers.UUIDField()
    name = serializers.CharField()
    hypothesis = serializers.CharField()
    metric = serializers.ChoiceField(choices=Metric.choices)
    minimum_sample = serializers.IntegerField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=ExperimentStatus.choices)
    started_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    is_archived = serializers.BooleanField()
    variants = AbTestVariantShape(many=True, source="variants.all")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    warnings = serializers.ListField(
        child=serializers.CharField(), required=False,
        help_text="To a start: other experiments that its figures are mixed up with.",
    )  # fmt: skip


class AbTestPageShape(Base):
    """A page of experiments."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AbTestShape(many=True)


class AbTestPublicVariantShape(Base):
    """A variant as a front end has to know it."""

    id = serializers.CharField(source="key")
    weight = serializers.IntegerField()


class AbTestRunningShape(Base):
    """A running experiment: enough to work out which variant a session sees."""

    test_id = serializers.CharField(source="slug")
    variants = AbTestPublicVariantShape(many=True, source="variants.all")


class AbTestRunningListShape(Base):
    """What runs now."""

    results = AbTestRunningShape(many=True)


class AbTestIntervalShape(Base):
    """Where a figure lies, at the 95 % level; percent."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class AbTestVariantResultShape(Base):
    """One variant's figures. Rates, lifts, intervals and confidence are percent; null: nothing to say yet."""

    variant_id = serializers.CharField()
    name = serializers.CharField()
    is_control = serializers.BooleanField()
    weight = serializers.IntegerField()
    impressions = serializers.IntegerField(help_text="Visitors who saw it; each once.")
    conversions = serializers.IntegerField(help_text="Of those, who reached the goal; each once.")
    secondary_conversions = serializers.IntegerField()
    conversion_rate = serializers.FloatField(allow_null=True)
    confidence_level = serializers.FloatField(
        allow_null=True,
        help_text="How sure it is that it differs from the control, however often one looked.",
    )
    interval = AbTestIntervalShape(allow_null=True)
    lift = serializers.FloatField(allow_null=True)
    lift_interval = AbTestIntervalShape(allow_null=True)
    revenue = MoneyField()
    revenue_per_person = serializers.FloatField(allow_null=True, help_text="Minor units.")
    revenue_interval = AbTestIntervalShape(allow_null=True, help_text="Of `revenue_per_person`; minor units.")
    p_value = serializers.FloatField(
        allow_null=True, help_text="Against the control, Holm-adjusted; one look."
    )
    p_value_always_valid = serializers.FloatField(allow_null=True)


class AbTestRatioShape(Base):
    """Whether people were divided as the weights say; p_value null: too early to say."""

    p_value = serializers.FloatField(allow_null=True)
    ok = serializers.BooleanField(source="is_ok")


class AbTestRefusedShape(Base):
    """How much was refused for a reason."""

    reason = serializers.CharField(help_text=_REASONS)
    count = serializers.IntegerField()


class AbTestResultsShape(Base):
    """An experiment's answer. `winner` is a variant's id; null: none."""

    test_id = serializers.CharField()
    status = serializers.ChoiceField(choices=[one.value for one in Verdict])
    as_of = serializers.DateTimeField()
    total_impressions = serializers.IntegerField()
    total_conversions = serializers.IntegerField()
    variants = AbTestVariantResultShape(many=True)
    method = serializers.CharField(help_text="The test behind p_value: chi-square, fisher or welch.")
    p_value = serializers.FloatField(allow_null=True, help_text="For one look; it decides nothing.")
    p_value_always_valid = serializers.FloatField(allow_null=True)
    srm = AbTestRatioShape()
    winner = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    people_needed = serializers.IntegerField(allow_null=True, help_text="How many more each variant needs.")
    headline = serializers.CharField()
    recommendation = serializers.CharField()
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Of other experiments that these figures are mixed up with."
    )
    refused = serializers.SerializerMethodField()

    @extend_schema_field(AbTestRefusedShape(many=True))
    def get_refused(self, found: Any) -> list[dict[str, Any]]:
        """Return the reasons, the most frequent first."""
        return [{"reason": reason, "count": count} for reason, count in found.refused.items()]


class TrackedResultShape(Base):
    """One event of an experiment, in snake_case or camelCase."""

    test_id = serializers.CharField(max_length=64, help_text="The slug.")
    event_id = serializers.UUIDField()
    session_token = serializers.CharField(max_length=128)
    variant_id = serializers.CharField(max_length=64)
    event_type = serializers.ChoiceField(choices=[one.value for one in Told])
    goal_achieved = serializers.BooleanField(required=False)
    goal_value = serializers.IntegerField(required=False, min_value=0, help_text="Minor units.")
    user_id = serializers.CharField(required=False, help_text="Not kept.")
    timestamp = serializers.DateTimeField(
        required=False, help_text="With an offset, or milliseconds since 1970."
    )


class RejectedResultShape(Base):
    """An event that was not counted."""

    index = serializers.IntegerField()
    code = serializers.CharField(help_text=_REASONS)
    message = serializers.CharField()


class TrackedResultsShape(Base):
    """What became of a batch; it is durable."""

    status = serializers.CharField(default="accepted")
    queued = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectedResultShape(many=True)


def input_of(read: ReadBody) -> ExperimentInput:
    """Return what a body says, and what of it could not be read, as the service takes it."""
    values = dict(read.said)
    if "variants" in values:
        values["variants"] = tuple(
            VariantInput(one["id"], one["name"], one["weight"]) for one in values["variants"]
        )
    return ExperimentInput(**values, unreadable=read.unreadable)
