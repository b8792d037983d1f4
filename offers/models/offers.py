"""Offers with their stock."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from common.money import Money
from common.windows import Window, tellable
from offers.querysets import OfferQuerySet


class OfferType(models.TextChoices):
    """What is sold, and so how it is fulfilled."""

    TICKET_UPGRADE = "TICKET_UPGRADE", "Ticket upgrade"
    MERCHANDISE = "MERCHANDISE", "Merchandise"
    EXCLUSIVE_CONTENT = "EXCLUSIVE_CONTENT", "Exclusive content"
    SERVICE = "SERVICE", "Service"


class Placement(models.TextChoices):
    """Where it is shown."""

    CHECKOUT = "CHECKOUT", "Checkout"
    POST_PURCHASE = "POST_PURCHASE", "Post-purchase"
    IN_EVENT = "IN_EVENT", "In event"
    EMAIL = "EMAIL", "E-mail"


class Offer(models.Model):
    """Something to buy at an event, with a price and a stock.

    ``sold`` and ``reserved`` change only under this row's lock; the database refuses an oversale whatever the
    code does. ``available`` is ``inventory_total - sold - reserved``, computed in SQL (``querysets``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="offers")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=5000)
    offer_type = models.CharField(max_length=20, choices=OfferType.choices)
    placement = models.CharField(max_length=20, choices=Placement.choices, default=Placement.IN_EVENT)
    price_amount = models.PositiveIntegerField(help_text="In minor units of the currency.")
    original_price_amount = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    image_url = models.URLField(max_length=2048, blank=True)
    inventory_total = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: unlimited.")
    sold = models.PositiveIntegerField(default=0, editable=False)
    reserved = models.PositiveIntegerField(default=0, editable=False)
    per_user_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_archived = models.BooleanField(default=False)
    # Empty lists target everybody.
    target_sessions = ArrayField(models.UUIDField(), default=list, blank=True)
    target_ticket_tiers = ArrayField(models.UUIDField(), default=list, blank=True)
    requires_offer = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
    )  # fmt: skip
    excludes_offer = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
    )  # fmt: skip
    upgrade_to_tier = models.ForeignKey(
        "tickets.TicketTier", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
    )  # fmt: skip
    content_url = models.URLField(
        max_length=2048, blank=True, help_text="Where the access code opens the content."
    )
    allows_delayed_payment = models.BooleanField(
        default=False, help_text="Also take payment methods that settle days later, while holding the units.",
    )  # fmt: skip
    # What Stripe knows it by: made when it is first sold; the product again with another title or picture, the price
    # with each product and when it changes.
    stripe_product_id = models.CharField(max_length=255, blank=True, editable=False)
    stripe_price_id = models.CharField(max_length=255, blank=True, editable=False)
    stripe_price_amount = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # Only where ``OfferQuerySet`` asked SQL for them.
    available: int | None
    is_available: bool
    listed: int

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(inventory_total__isnull=True) | Q(sold__lte=F("inventory_total") - F("reserved")),
                name="offer_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(inventory_total__isnull=True) | Q(inventory_total__gte=1),
                name="offer_total_positive",
            ),
            models.CheckConstraint(
                condition=Q(price_amount__lte=999_999_999), name="offer_price_within_range"
            ),
            models.CheckConstraint(
                condition=Q(original_price_amount__isnull=True)
                | Q(original_price_amount__gte=F("price_amount")),
                name="offer_original_price_not_lower",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(expires_at__isnull=True)
                | Q(starts_at__lt=F("expires_at")),
                name="offer_starts_before_it_expires",
            ),
            models.CheckConstraint(
                condition=tellable("starts_at", "expires_at"), name="offer_window_is_tellable"
            ),
            models.CheckConstraint(condition=Q(offer_type__in=OfferType.values), name="offer_type_known"),
            models.CheckConstraint(condition=Q(placement__in=Placement.values), name="offer_placement_known"),
            models.CheckConstraint(
                condition=Q(per_user_limit__isnull=True) | Q(per_user_limit__gte=1),
                name="offer_limit_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["event", "is_active", "is_archived"], name="offer_event_active"),
            models.Index(fields=["is_active", "expires_at"], name="offer_active_expiry"),
            models.Index(fields=["-created_at"], name="offer_newest"),
            models.Index(fields=["stripe_price_id"], name="offer_stripe_price"),
            GinIndex(fields=["target_sessions"], name="offer_target_sessions"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def price(self) -> Money:
        """The price of one unit."""
        return Money(self.price_amount, self.currency)

    @property
    def original_price(self) -> Money | None:
        """The price it is compared with, where one is given."""
        return (
            None if self.original_price_amount is None else Money(self.original_price_amount, self.currency)
        )

    @property
    def units_left(self) -> int | None:
        """Units that may still be taken, as far as this copy of the row knows; None when unlimited.

        Its own alone: lists and answers use ``available`` of ``OfferQuerySet.with_availability``, which counts the
        places of an upgrade's tier too. This is for code that holds the row's lock.
        """
        return None if self.inventory_total is None else self.inventory_total - self.sold - self.reserved

    @property
    def can_run_out(self) -> bool:
        """Say whether what is sold is limited: its own units, or the places of the tier that it leads to."""
        tier = self.upgrade_to_tier
        return self.inventory_total is not None or (tier is not None and tier.inventory_total is not None)

    @property
    def window(self) -> Window:
        """When it may be bought."""
        return Window(self.starts_at, self.expires_at)

    def is_over(self, now: datetime) -> bool:
        """Say whether its end has come: its own, or of an upgrade its event's."""
        has_ended = self.expires_at is not None and self.expires_at <= now
        return has_ended or (self.offer_type == OfferType.TICKET_UPGRADE and self.event.ends_at <= now)
