"""Payments: the ways in which an order was, or may be, paid."""

import uuid

from django.db import models
from django.db.models import Q

from common.money import Money, format_money
from payments.models.orders import Order


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
    idempotency key is the same request (Stripe refuses another one). Key and outcome of this one mutating
    call are columns here, not a ``StripeOperation``: they are born with the payment, in the purchase's
    transaction, and a purchase has twelve statements in all. ``sends`` is raised before each sending.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Indexed by "payment_attempt_once".
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments", db_index=False)
    attempt = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.PENDING)
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    request = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=255)
    sends = models.PositiveSmallIntegerField(default=0)
    # Stripe repeats a 5xx under the same key for ever: after one, look the session up, then take a new
    # attempt.
    is_key_spent = models.BooleanField(default=False)
    session_id = models.CharField(max_length=255, null=True, blank=True)
    session_url = models.TextField(blank=True)
    session_expires_at = models.DateTimeField(null=True, blank=True)
    payment_intent_id = models.CharField(max_length=255, null=True, blank=True)
    charge_id = models.CharField(max_length=255, null=True, blank=True)
    paid_amount = models.PositiveIntegerField(default=0)
    method_type = models.CharField(max_length=40, blank=True)
    brand = models.CharField(max_length=40, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["order", "attempt"], name="payment_attempt_once"),
            models.UniqueConstraint(fields=["idempotency_key"], name="payment_key_once"),
            # Stripe's ids come later: until then the row costs these indexes nothing.
            models.UniqueConstraint(
                fields=["session_id"], condition=Q(session_id__isnull=False), name="payment_session_once"
            ),
            models.UniqueConstraint(
                fields=["payment_intent_id"],
                condition=Q(payment_intent_id__isnull=False),
                name="payment_intent_once",
            ),
            models.UniqueConstraint(
                fields=["charge_id"], condition=Q(charge_id__isnull=False), name="payment_charge_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{format_money(Money(self.amount, self.currency))}, attempt {self.attempt}"

    @property
    def is_free(self) -> bool:
        """Say whether there is nothing to pay, so that Stripe knows nothing of it."""
        return self.amount == 0
