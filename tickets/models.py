"""Ticket tiers with their stock, and tickets with who holds them."""

import uuid

from django.conf import settings
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
    is_active = models.BooleanField(default=True)
    sort_order = models.PositiveSmallIntegerField(default=0)
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


class TicketStatus(models.TextChoices):
    """Whether the ticket opens the door."""

    VALID = "VALID", "Valid"
    VOID = "VOID", "Void"


class Ticket(models.Model):
    """One person's way into an event."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="tickets")
    tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="tickets")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets")
    number = models.CharField(max_length=20, unique=True)
    status = models.CharField(max_length=10, choices=TicketStatus.choices, default=TicketStatus.VALID)
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ("issued_at", "id")
        indexes = [
            models.Index(fields=["holder", "event"], name="ticket_holder_event"),
            models.Index(fields=["event", "tier"], name="ticket_event_tier"),
        ]

    def __str__(self) -> str:
        return self.number


class TierChangeStatus(models.TextChoices):
    """How far a move to another tier has come."""

    RESERVED = "RESERVED", "Reserved"
    SETTLED = "SETTLED", "Settled"
    RELEASED = "RELEASED", "Released"
    REVERSED = "REVERSED", "Reversed"


class TierChange(models.Model):
    """A ticket's move to another tier, one per cause, so that an upgrade can be repeated safely and undone.

    RESERVED holds one place in the target tier; SETTLED: the ticket is there; RELEASED: the place was given
    back
    before that; REVERSED: the ticket went back to where it was.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="tier_changes")
    from_tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="+")
    to_tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="+")
    # What caused it, for example the purchase of an upgrade; tickets does not know the app above.
    cause = models.UUIDField(unique=True)
    status = models.CharField(
        max_length=10, choices=TierChangeStatus.choices, default=TierChangeStatus.RESERVED
    )
    reserved_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was released or reversed.")

    class Meta:
        ordering = ("reserved_at", "id")
        constraints = [
            # The lock of the design as an index: one open upgrade per ticket, or it could be paid for twice.
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(status=TierChangeStatus.RESERVED),
                name="tier_change_one_open_per_ticket",
            ),
            models.CheckConstraint(condition=~Q(from_tier=F("to_tier")), name="tier_change_changes_tier"),
        ]
