"""Ticket tiers with their stock."""

import uuid

from django.db import models
from django.db.models import F, Q

from common.money import Money


class Priority(models.TextChoices):
    """What a tier counts for where people queue."""

    VIP = "VIP", "VIP"
    PREMIUM = "PREMIUM", "Premium"
    STANDARD = "STANDARD", "Standard"

    @property
    def rank(self) -> int:
        """The place in the queue's order: 0 goes first."""
        return list(Priority).index(self)


class TicketTier(models.Model):
    """A kind of ticket of an event, with its price and stock. Stock changes only under the row's lock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="ticket_tiers")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.STANDARD)
    price_amount = models.PositiveIntegerField(default=0, help_text="In minor units of the currency.")
    currency = models.CharField(max_length=3, default="USD")
    inventory_total = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: unlimited.")
    sold = models.PositiveIntegerField(default=0, editable=False)
    reserved = models.PositiveIntegerField(default=0, editable=False)
    per_user_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    is_active = models.BooleanField(default=True)
    sort_order = models.PositiveSmallIntegerField(default=0)
    # What Stripe knows it by: made when it is first sold; the product again with another name, the price with each
    # product and when it changes.
    stripe_product_id = models.CharField(max_length=255, blank=True, default="", editable=False)
    stripe_price_id = models.CharField(max_length=255, blank=True, default="", editable=False)
    stripe_price_amount = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("sort_order", "name")
        constraints = [
            models.UniqueConstraint(fields=["event", "name"], name="tier_name_unique_in_event"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="tier_currency_is_a_code"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="tier_priority_known"),
            models.CheckConstraint(
                condition=Q(inventory_total__isnull=True) | Q(sold__lte=F("inventory_total") - F("reserved")),
                name="tier_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(per_user_limit__isnull=True) | Q(per_user_limit__gte=1),
                name="tier_limit_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> Money:
        """The price of one ticket."""
        return Money(self.price_amount, self.currency)

    @property
    def available(self) -> int | None:
        """Tickets that may still be had; None when unlimited."""
        if self.inventory_total is None:
            return None
        return max(0, self.inventory_total - self.sold - self.reserved)

    def is_above(self, other: "TicketTier") -> bool:
        """Say whether moving here from the other tier is an upgrade: a better priority, or the same at a
        higher price."""
        mine, theirs = Priority(self.priority).rank, Priority(other.priority).rank
        return mine < theirs or (mine == theirs and self.price_amount > other.price_amount)
