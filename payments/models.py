"""Orders, the payments made for them, and the ledger that explains every cent. Rows are never deleted."""

import uuid

from django.conf import settings
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
    LATE_PAID = "late_paid", "Paid too late, being refunded"


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
    number = models.CharField(max_length=20, unique=True)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="orders")
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="orders")
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    purpose = models.CharField(max_length=20)
    purpose_id = models.UUIDField()
    title = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    unit_amount = models.PositiveIntegerField()
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=OrderState.choices, default=OrderState.RESERVED)
    # Sums of the ledger, kept in its transactions: refunds that succeeded, and those under way.
    refunded_amount = models.PositiveIntegerField(default=0)
    refund_pending_amount = models.PositiveIntegerField(default=0)
    is_disputed = models.BooleanField(default=False)
    quarantine_reason = models.CharField(max_length=300, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "purpose_id"], name="order_once_per_purchase"),
            models.CheckConstraint(condition=Q(amount=F("quantity") * F("unit_amount")), name="order_adds_up"),
            models.CheckConstraint(
                condition=Q(refunded_amount__lte=F("amount") - F("refund_pending_amount")),
                name="order_refunds_within_paid",
            ),
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_known"),
        ]
        indexes = [
            models.Index(fields=["buyer", "-created_at"], name="order_buyer"),
            models.Index(fields=["organization", "-created_at"], name="order_organization"),
            models.Index(fields=["event", "-created_at"], name="order_event"),
            models.Index(
                fields=["hold_expires_at"],
                condition=Q(state__in=["reserved", "session_pending", "open", "expiring"]),
                name="order_holds_due",
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
    def status(self) -> OrderStatus:
        """The shown status: refunds and disputes lie over the state of the money path."""
        if self.is_disputed:
            return OrderStatus.DISPUTED
        if self.paid_at is not None and self.refunded_amount:
            whole = self.refunded_amount == self.amount
            return OrderStatus.REFUNDED if whole else OrderStatus.PARTIALLY_REFUNDED
        return _STATUS_OF_STATE.get(OrderState(self.state), OrderStatus.PENDING)


class PaymentStatus(models.TextChoices):
    """What became of one payment (REQUIREMENTS PA-06)."""

    PENDING = "PENDING", "Pending"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"
    REFUNDED = "REFUNDED", "Refunded"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", "Partially refunded"


class Payment(models.Model):
    """One way in which an order may be paid: a Checkout session at Stripe, or nothing to pay.

    ``request`` holds the exact parameters of the session's creation, so that a repetition under the same
    idempotency key is the same request (Stripe refuses another one).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    attempt = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.PENDING)
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    request = models.JSONField(default=dict)
    session_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    session_url = models.TextField(blank=True)
    session_expires_at = models.DateTimeField(null=True, blank=True)
    payment_intent_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    method_type = models.CharField(max_length=40, blank=True)
    brand = models.CharField(max_length=40, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = [models.UniqueConstraint(fields=["order", "attempt"], name="payment_attempt_once")]


class LedgerKind(models.TextChoices):
    """What moved money."""

    CHARGE = "charge", "Charge"
    FEE = "fee", "Stripe fee"
    REFUND = "refund", "Refund"
    REFUND_FAILED = "refund_failed", "Refund failed, money back"
    DISPUTE_WITHDRAWN = "dispute_withdrawn", "Disputed amount withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated", "Disputed amount reinstated"


class LedgerEntry(models.Model):
    """One movement of money, written once, never changed. Positive amounts came to the organization."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="ledger")
    kind = models.CharField(max_length=20, choices=LedgerKind.choices)
    amount = models.IntegerField(help_text="In minor units, signed.")
    currency = models.CharField(max_length=3)
    stripe_id = models.CharField(max_length=255)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ("occurred_at", "id")
        constraints = [models.UniqueConstraint(fields=["kind", "stripe_id"], name="ledger_once_per_stripe_object")]
        indexes = [models.Index(fields=["order", "occurred_at"], name="ledger_order")]


class RefundStatus(models.TextChoices):
    """Stripe's statuses of a refund, and ours before it is asked for."""

    REQUESTED = "requested", "Requested"
    PENDING = "pending", "Pending"
    REQUIRES_ACTION = "requires_action", "Requires action"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


# A refund in one of these counts against what may still be refunded.
LIVE_REFUND_STATUSES = (
    RefundStatus.REQUESTED,
    RefundStatus.PENDING,
    RefundStatus.REQUIRES_ACTION,
    RefundStatus.SUCCEEDED,
)


class RefundOrigin(models.TextChoices):
    """Who wanted it."""

    STAFF = "staff", "Staff"
    AUTOMATIC = "automatic", "Automatic"
    DASHBOARD = "dashboard", "Stripe dashboard"


class Refund(models.Model):
    """Money going back. ``restock_units`` of the goods return with it when it is recorded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=RefundStatus.choices, default=RefundStatus.REQUESTED)
    origin = models.CharField(max_length=20, choices=RefundOrigin.choices)
    reason = models.CharField(max_length=500, blank=True)
    restock_units = models.PositiveIntegerField(default=0)
    units_returned = models.PositiveIntegerField(default=0)
    stripe_refund_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    requested_by = models.UUIDField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = [models.CheckConstraint(condition=Q(amount__gte=1), name="refund_is_something")]
        indexes = [models.Index(fields=["order", "created_at"], name="refund_order")]


class Dispute(models.Model):
    """A charge that the buyer's bank disputes; Stripe's own words for status and reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=100, blank=True)
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("opened_at", "id")


class OperationState(models.TextChoices):
    """What we know of a mutating call to Stripe."""

    UNKNOWN = "unknown", "Sent, answer unknown"
    SUCCEEDED = "succeeded", "Succeeded"
    REFUSED = "refused", "Refused"


class StripeOperation(models.Model):
    """One mutating call to Stripe, kept with its idempotency key (REQUIREMENTS PA-02).

    Unique by operation and stable id: repeating the operation finds its key here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=30)
    stable_id = models.CharField(max_length=100)
    idempotency_key = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=12, choices=OperationState.choices, default=OperationState.UNKNOWN)
    result_id = models.CharField(max_length=255, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operation", "stable_id"], name="stripe_operation_once")]
