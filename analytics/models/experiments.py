"""Experiments: what is compared, who saw which variant first, and what came of it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

MAXIMUM_NAME = 200
MAXIMUM_HYPOTHESIS = 2_000
MAXIMUM_KEY = 64
MAXIMUM_VARIANTS = 10
MAXIMUM_WEIGHT = 10_000
LEAST_SAMPLE = 10
MAXIMUM_SAMPLE = 10_000_000
# In minor units; as for everything with a price.
MAXIMUM_VALUE = 99_999_999
KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class Metric(models.TextChoices):
    """What decides: how many do it, or how much a person who was asked brings."""

    CONVERSION = "conversion", "Conversion rate"
    REVENUE = "revenue", "Revenue a person"


class ExperimentStatus(models.TextChoices):
    """Where an experiment stands. It goes one way."""

    DRAFT = "draft", "Draft"
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"


class ExperimentRefusalReason(models.TextChoices):
    """Why something that was told of an experiment was not counted."""

    INVALID = "invalid", "Not an event"
    UNKNOWN_TEST = "unknown_test", "Unknown experiment"
    WRONG_EVENT = "wrong_event", "Of another event"
    NOT_RUNNING = "not_running", "Not running then"
    UNKNOWN_VARIANT = "unknown_variant", "Unknown variant"
    WRONG_VARIANT = "wrong_variant", "Not this visitor's variant"
    NO_EXPOSURE = "no_exposure", "Variant never seen"
    NOT_ACHIEVED = "not_achieved", "Goal not achieved"
    TOO_LATE = "too_late", "Too late"
    FUTURE = "future", "In the future"
    BOT = "bot", "Automated client"


class Experiment(models.Model):
    """A question and its variants. Once it is started its definition stands still; a trigger holds that.

    ``slug`` is what front ends call it, and part of who sees what: unique in its organization, whose id stands here
    for that, and no UUID. ``minimum_sample`` is people a variant. ``currency`` is the event's when it was defined; goal
    values are its minor units.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        "events.Event", on_delete=models.PROTECT, related_name="experiments", db_index=False
    )
    organization_id = models.UUIDField(editable=False)
    slug = models.CharField(max_length=MAXIMUM_KEY)
    name = models.CharField(max_length=MAXIMUM_NAME)
    hypothesis = models.CharField(max_length=MAXIMUM_HYPOTHESIS, blank=True)
    metric = models.CharField(max_length=10, choices=Metric.choices, default=Metric.CONVERSION)
    minimum_sample = models.PositiveIntegerField(default=1_000, help_text="People a variant.")
    currency = models.CharField(max_length=3)
    status = models.CharField(
        max_length=8, choices=ExperimentStatus.choices, default=ExperimentStatus.DRAFT, editable=False
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_archived = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        editable=False,
    )  # fmt: skip
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            # Found by the slug alone as well.
            models.UniqueConstraint(fields=["slug", "organization_id"], name="experiment_slug_once"),
            models.CheckConstraint(
                condition=Q(slug__regex=KEY_PATTERN) & ~Q(name=""), name="experiment_is_named"
            ),
            models.CheckConstraint(
                condition=Q(metric__in=Metric.values) & Q(currency__regex="^[A-Z]{3}$"),
                name="experiment_metric_known",
            ),
            models.CheckConstraint(
                condition=Q(minimum_sample__range=(LEAST_SAMPLE, MAXIMUM_SAMPLE)),
                name="experiment_sample_within_range",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", started_at__isnull=True, stopped_at__isnull=True)
                | Q(status="running", started_at__isnull=False, stopped_at__isnull=True, is_archived=False)
                | Q(status="stopped", started_at__isnull=False, stopped_at__gte=F("started_at")),
                name="experiment_status_has_its_times",
            ),
        ]
        indexes = [
            models.Index(fields=["event", "is_archived", "-created_at", "-id"], name="experiment_newest")
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """One of the things compared, by its place in the stored order; the first is the control."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(
        Experiment, on_delete=models.CASCADE, related_name="variants", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=MAXIMUM_KEY)
    name = models.CharField(max_length=MAXIMUM_NAME)
    weight = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["experiment", "position"], name="variant_place_once"),
            models.UniqueConstraint(fields=["experiment", "key"], name="variant_key_once"),
            models.CheckConstraint(
                condition=Q(key__regex=KEY_PATTERN)
                & ~Q(name="")
                & Q(weight__lte=MAXIMUM_WEIGHT)
                & Q(position__lt=MAXIMUM_VARIANTS),
                name="variant_within_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Exposure(models.Model):
    """A visitor of an experiment: the variant they saw first, and what came of it. One row each, by the key.

    ``visitor`` is a keyed hash of the session token, of its own in each experiment. ``place`` is the variant's, the one
    that the server works out as well; a foreign key that the migration writes holds it. ``value`` is the goal's, in
    minor units of the experiment's currency. Told again, nothing of it counts again. Without ``seen_at`` a goal was
    told before the view: nothing of the row counts until that comes.
    """

    pk = models.CompositePrimaryKey("experiment_id", "visitor")
    experiment = models.ForeignKey(
        Experiment, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    visitor = models.UUIDField()
    place = models.PositiveSmallIntegerField()
    seen_at = models.DateTimeField(null=True, blank=True)
    converted_at = models.DateTimeField(null=True, blank=True)
    value = models.PositiveIntegerField(default=0)
    secondary_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # Few rows wait: whoever tells views looks for theirs in an index that is nearly empty.
        indexes = [
            models.Index(
                fields=["experiment", "visitor"], condition=Q(seen_at__isnull=True), name="exposure_waiting"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(value=0) | Q(converted_at__isnull=False, value__lte=MAXIMUM_VALUE),
                name="exposure_value_of_a_conversion",
            )
        ]

    def __str__(self) -> str:
        return f"{self.visitor} of {self.experiment_id}"


class ExperimentTally(models.Model):
    """What was counted of a variant's visitors whose rows were deleted since: results are these and the rows together.

    ``total`` and ``squares`` are of goal values, in minor units.
    """

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.PositiveSmallIntegerField()
    people = models.PositiveBigIntegerField()
    conversions = models.PositiveBigIntegerField()
    secondary = models.PositiveBigIntegerField()
    total = models.PositiveBigIntegerField()
    squares = models.DecimalField(max_digits=40, decimal_places=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "place"], name="experiment_tally_once"),
            models.CheckConstraint(
                condition=Q(people__gte=F("conversions"), squares__gte=F("total")),
                name="experiment_tally_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.people} of {self.experiment_id}"


class ExperimentRefusal(models.Model):
    """How much of what was told was refused for a reason on a UTC day. Without an experiment where none was named."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(
        Experiment, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField()
    reason = models.CharField(max_length=20, choices=ExperimentRefusalReason.choices)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "day", "reason"],
                name="experiment_refusal_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(reason__in=ExperimentRefusalReason.values) & Q(count__gte=1),
                name="experiment_refusal_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.reason}"
