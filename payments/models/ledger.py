"""The ledger, refunds and disputes: what moved money after, and including, the charge."""

import uuid

from django.db import models
from django.db.models import Q

from common.money import Money, format_money
from payments.models.orders import Order
from payments.models.payments import Payment


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
        verbose_name_plural = "ledger entries"
        ordering = ("occurred_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["kind", "stripe_id"], name="ledger_once_per_stripe_object")
        ]
        indexes = [
            models.Index(fields=["order", "occurred_at"], name="ledger_order"),
            models.Index(fields=["occurred_at"], name="ledger_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {format_money(Money(self.amount, self.currency))}"


class RefundStatus(models.TextChoices):
    """Stripe's statuses of a refund, and ours before it is asked for."""

    REQUESTED = "requested", "Requested"
    PENDING = "pending", "Pending"
    REQUIRES_ACTION = "requires_action", "Requires action"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


# Stripe is to make these, or is at it.
UNDER_WAY_STATUSES = (RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION)

# A refund in one of these counts against what may still be refunded.
LIVE_REFUND_STATUSES = (*UNDER_WAY_STATUSES, RefundStatus.SUCCEEDED)


# Stripe will not make these: their amounts may be refunded again.
DEAD_REFUND_STATUSES = (RefundStatus.FAILED, RefundStatus.CANCELED)


class RefundOrigin(models.TextChoices):
    """Who wanted it.

    Automatic: nothing was left, or charged twice. Undeliverable: what was sold could in the end not be given. Of
    each there is one a payment, or an order: when it fails people decide.
    """

    STAFF = "staff", "Staff"
    AUTOMATIC = "automatic", "Automatic"
    UNDELIVERABLE = "undeliverable", "Automatic, could not be given"
    DASHBOARD = "dashboard", "Stripe dashboard"


class Refund(models.Model):
    """Money going back. ``restock_units`` of the goods return: when it succeeds, or, by rule, when nothing is kept.

    ``units_returned`` did. Units that were promised by rule and do not come any more, since money is kept after
    all, are taken off ``restock_units`` again, as are those of a refund that failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=RefundStatus.choices, default=RefundStatus.REQUESTED)
    origin = models.CharField(max_length=20, choices=RefundOrigin.choices)
    reason = models.CharField(max_length=500, blank=True)
    restock_units = models.PositiveIntegerField(default=0)
    # Nobody named the units: they come back with the last of the money, whichever refund that is.
    restock_by_rule = models.BooleanField(default=False, db_default=False)
    units_returned = models.PositiveIntegerField(default=0)
    # Fulfilment is stopped for it, until its end or until other money is kept.
    stopped_fulfilment = models.BooleanField(default=False)
    stripe_refund_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    requested_by = models.UUIDField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = [models.CheckConstraint(condition=Q(amount__gte=1), name="refund_is_something")]
        indexes = [models.Index(fields=["order", "created_at"], name="refund_order")]

    def __str__(self) -> str:
        return f"{format_money(Money(self.amount, self.currency))}, {self.get_status_display().lower()}"


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

    def __str__(self) -> str:
        return f"{format_money(Money(self.amount, self.currency))}, {self.status.replace('_', ' ')}"
