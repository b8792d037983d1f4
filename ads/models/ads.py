"""Ads: what is shown, where, when, to whom, how often, and for what price."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from ads.querysets import AdQuerySet
from common.money import Money
from common.windows import Window, tellable

MAXIMUM_WEIGHT = 1_000
MAXIMUM_CAP = 100
MAXIMUM_DURATION = 3_600
# In minor units; as for everything with a price.
MAXIMUM_PRICE = 99_999_999


class ContentType(models.TextChoices):
    """What kind of thing is shown."""

    BANNER = "BANNER", "Banner"
    VIDEO = "VIDEO", "Video"
    SPONSORED_SESSION = "SPONSORED_SESSION", "Sponsored session"
    INTERSTITIAL = "INTERSTITIAL", "Interstitial"


class AdPlacement(models.TextChoices):
    """Where on the front end it is shown."""

    EVENT_HERO = "EVENT_HERO", "Event hero"
    SESSION_BREAK = "SESSION_BREAK", "Session break"
    SIDEBAR = "SIDEBAR", "Sidebar"
    IN_FEED = "IN_FEED", "In feed"
    LIVE_OVERLAY = "LIVE_OVERLAY", "Live overlay"
    CHECKOUT = "CHECKOUT", "Checkout"


class PriceModel(models.TextChoices):
    """What is paid for: a thousand impressions, a click, or the whole run once."""

    CPM = "CPM", "Per thousand impressions"
    CPC = "CPC", "Per click"
    FLAT = "FLAT", "Flat fee"


class Pacing(models.TextChoices):
    """How a budget is spread: evenly through the time it is for, or as fast as it goes."""

    EVEN = "EVEN", "Evenly"
    ASAP = "ASAP", "As fast as possible"


class Ad(models.Model):
    """Something shown at an event. Deleting archives: what was delivered and billed stays readable.

    ``target_sessions`` empty: everywhere in the event. ``frequency_cap`` is per viewer and day of the event's time
    zone. Prices and budgets are minor units of ``currency``; a budget that is null has no limit. What was spent
    stands in ``AdSpend``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: the ones below begin with it.
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="ads", db_index=False)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=20, choices=ContentType.choices)
    media_url = models.URLField(max_length=2048)
    click_url = models.URLField(max_length=2048, blank=True, help_text="Empty: it cannot be clicked.")
    display_duration_seconds = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(MAXIMUM_DURATION)]
    )
    aspect_ratio = models.CharField(max_length=9, default="16:9", help_text="Width:height.")
    placements = ArrayField(models.CharField(max_length=20, choices=AdPlacement.choices))
    target_sessions = ArrayField(models.UUIDField(), default=list, blank=True)
    weight = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAXIMUM_WEIGHT)]
    )
    frequency_cap = models.PositiveIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(MAXIMUM_CAP)],
        help_text="Impressions of one viewer in a day.",
    )  # fmt: skip
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_archived = models.BooleanField(default=False)
    price_model = models.CharField(max_length=4, choices=PriceModel.choices, default=PriceModel.FLAT)
    price_amount = models.PositiveIntegerField(default=0, help_text="In minor units of the currency.")
    currency = models.CharField(max_length=3)
    budget_total_amount = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    budget_daily_amount = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    pacing = models.CharField(max_length=4, choices=Pacing.choices, default=Pacing.EVEN)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        editable=False,
    )  # fmt: skip
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = AdQuerySet.as_manager()

    # Computed by SQL where it is asked for (``with_status``, ``counted``).
    status: str
    listed: int

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="ad_has_a_name"),
            models.CheckConstraint(
                condition=Q(content_type__in=ContentType.values), name="ad_content_type_known"
            ),
            models.CheckConstraint(
                condition=Q(placements__contained_by=AdPlacement.values) & Q(placements__len__gte=1),
                name="ad_placements_known",
            ),
            models.CheckConstraint(
                condition=Q(media_url__regex=r"^https?://")
                & (Q(click_url="") | Q(click_url__regex=r"^https?://")),
                name="ad_links_are_web_addresses",
            ),
            models.CheckConstraint(
                condition=Q(aspect_ratio__regex=r"^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$"),
                name="ad_aspect_ratio_is_one",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(starts_at__lt=F("ends_at")),
                name="ad_starts_before_it_ends",
            ),
            models.CheckConstraint(condition=tellable("starts_at", "ends_at"), name="ad_window_is_tellable"),
            models.CheckConstraint(
                condition=Q(weight__range=(1, MAXIMUM_WEIGHT))
                & Q(frequency_cap__range=(1, MAXIMUM_CAP))
                & Q(display_duration_seconds__range=(1, MAXIMUM_DURATION)),
                name="ad_numbers_within_range",
            ),
            models.CheckConstraint(
                condition=Q(price_model__in=PriceModel.values) & Q(pacing__in=Pacing.values),
                name="ad_price_model_known",
            ),
            models.CheckConstraint(
                condition=Q(price_amount__lte=MAXIMUM_PRICE) & Q(currency__regex="^[A-Z]{3}$"),
                name="ad_price_within_range",
            ),
            models.CheckConstraint(
                condition=(Q(budget_total_amount__isnull=True) | Q(budget_total_amount__gte=1))
                & (Q(budget_daily_amount__isnull=True) | Q(budget_daily_amount__gte=1)),
                name="ad_budgets_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["event", "is_archived", "-created_at", "-id"], name="ad_event_newest"),
            models.Index(fields=["is_active", "ends_at"], name="ad_active_end"),
            models.Index(fields=["-created_at", "-id"], name="ad_newest"),
            GinIndex(fields=["placements"], name="ad_placements"),
            GinIndex(fields=["target_sessions"], name="ad_target_sessions"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def window(self) -> Window:
        """When it may be shown."""
        return Window(self.starts_at, self.ends_at)

    @property
    def price(self) -> Money:
        """What a thousand impressions, a click or the whole run costs."""
        return Money(self.price_amount, self.currency)


class AdIndexVersion(models.Model):
    """The number of the last change to an event's ads. Copies in memory compare theirs with it."""

    event = models.OneToOneField("events.Event", on_delete=models.PROTECT, related_name="+", primary_key=True)
    version = models.PositiveBigIntegerField(default=1)

    def __str__(self) -> str:
        return f"version {self.version} of the ads of {self.event_id}"
