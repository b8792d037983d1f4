"""Orders: what was bought by whom, and where it stands on the money path. Rows are never deleted."""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from common.money import Money


class OrderState(models.TextChoices):
    """Where an order stands on the money path. What people see is ``Order.status``, derived from it."""

    RESERVED = "reserved", "Reserved"
    SESSION_PENDING = "session_pending", "Checkout being opened"
    OPEN = "open", "Checkout open"
    PROCESSING = "processing", "Payment processing"
    EXPIRING = "expiring", "Being expired"
    PAID = "paid", "Paid"
    FAILED = "failed", "Payment failed"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    LATE_PAID = "late_paid", "Paid without goods, going back"


# The units are held for the buyer while the order is in one of these.
HOLDING_STATES = (
    OrderState.RESERVED,
    OrderState.SESSION_PENDING,
    OrderState.OPEN,
    OrderState.PROCESSING,
    OrderState.EXPIRING,
)


class OrderStatus(models.TextChoices):
    """What callers and staff see (CONTRACT: order status)."""

    PENDING = "PENDING", "Pending"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    EXPIRED = "EXPIRED", "Expired"
    CANCELLED = "CANCELLED", "Cancelled"
    REFUNDED = "REFUNDED", "Refunded"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", "Partially refunded"
    DISPUTED = "DISPUTED", "Disputed"


# The money came and counts: what goes back from here on is a refund.
PAID_STATES = (OrderState.PAID, OrderState.LATE_PAID)

# The hold ends by a timer in these; while a delayed payment is processing it ends by Stripe's word alone.
TIMED_STATES = (OrderState.RESERVED, OrderState.SESSION_PENDING, OrderState.OPEN, OrderState.EXPIRING)


_STATUS_OF_STATE = {
    OrderState.PAID: OrderStatus.COMPLETED,
    OrderState.LATE_PAID: OrderStatus.PENDING,
    OrderState.FAILED: OrderStatus.FAILED,
    OrderState.EXPIRED: OrderStatus.EXPIRED,
    OrderState.CANCELLED: OrderStatus.CANCELLED,
}


class Order(models.Model):
    """One thing bought by one person, whatever it is: its purpose (``payments.purposes``) knows the goods."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=20)
    # Without indexes of their own, which a purchase would pay for: the lists' indexes below begin with them.
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="orders", db_index=False)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    purpose = models.CharField(max_length=20)
    purpose_id = models.UUIDField()
    title = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    unit_amount = models.PositiveIntegerField()
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=OrderState.choices, default=OrderState.RESERVED)
    # Raised by every application of what Stripe says: an answer read before a newer one was applied is read
    # again.
    version = models.PositiveIntegerField(default=0)
    # Sums of the ledger, kept in its transactions: charges, refunds that succeeded, refunds under way, and what lost
    # disputes took of what refunds had left.
    paid_amount = models.PositiveIntegerField(default=0)
    refunded_amount = models.PositiveIntegerField(default=0)
    refund_pending_amount = models.PositiveIntegerField(default=0)
    lost_amount = models.PositiveIntegerField(default=0, db_default=0)
    # A dispute stands: the bank has not decided yet, or asks.
    is_disputed = models.BooleanField(default=False)
    quarantine_reason = models.CharField(max_length=300, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["number"], name="order_number_once"),
            models.UniqueConstraint(fields=["purpose", "purpose_id"], name="order_once_per_purchase"),
            models.CheckConstraint(
                condition=Q(amount=F("quantity") * F("unit_amount")), name="order_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__lte=F("paid_amount") - F("refund_pending_amount")),
                name="order_refunds_within_paid",
            ),
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_known"),
        ]
        indexes = [
            models.Index(fields=["buyer", "-created_at"], name="order_buyer"),
            models.Index(fields=["organization", "-created_at"], name="order_organization"),
            models.Index(fields=["event", "-created_at"], name="order_event"),
            # For the daily proof; it costs a purchase next to nothing.
            BrinIndex(fields=["created_at"], name="order_time", autosummarize=True),
            models.Index(
                fields=["hold_expires_at"],
                condition=Q(state__in=TIMED_STATES),
                name="order_holds_due",
            ),
            models.Index(
                fields=["hold_expires_at"],
                condition=Q(state=OrderState.PROCESSING),
                name="order_processing",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Money:
        """What was asked for it."""
        return Money(self.amount, self.currency)

    @property
    def refunded(self) -> Money:
        """What went back, as far as it succeeded."""
        return Money(self.refunded_amount, self.currency)

    @property
    def kept(self) -> Money:
        """What was paid and neither went back nor was lost in a dispute."""
        return Money(self.paid_amount - self.refunded_amount - self.lost_amount, self.currency)

    @property
    def is_quarantined(self) -> bool:
        """Say whether what Stripe told of it does not match, so that nothing happens by itself any more."""
        return bool(self.quarantine_reason)

    @property
    def status(self) -> OrderStatus:
        """The shown status: refunds and disputes lie over the state of the money path.

        A second payment that went back (charged twice) leaves the order completed: what counts is what was
        kept. So does a dispute of a part that was lost, unless with it nothing is kept.
        """
        if self.is_disputed or (self.lost_amount and not self.kept.amount):
            return OrderStatus.DISPUTED
        if self.refunded_amount and self.kept.amount < self.amount:
            return OrderStatus.PARTIALLY_REFUNDED if self.kept.amount else OrderStatus.REFUNDED
        return _STATUS_OF_STATE.get(OrderState(self.state), OrderStatus.PENDING)
