"""Mutating calls to Stripe, each with its key; and which of Stripe's events were about which order."""

import uuid

from django.db import models

from payments.models.orders import Order


class OperationState(models.TextChoices):
    """What we know of a mutating call to Stripe."""

    UNKNOWN = "unknown", "Sent, answer unknown"
    SUCCEEDED = "succeeded", "Succeeded"
    REFUSED = "refused", "Refused"


class StripeOperation(models.Model):
    """One mutating call to Stripe, kept with its idempotency key (REQUIREMENTS PA-02).

    Unique by operation and stable id: repeating the operation finds its key and its parameters here. The
    creation of a Checkout session keeps both on its ``Payment``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=30)
    stable_id = models.CharField(max_length=150)
    idempotency_key = models.CharField(max_length=255, unique=True)
    request = models.JSONField(default=dict)
    attempt = models.PositiveSmallIntegerField(default=1)
    # Stripe repeats a 5xx under the same key for ever: after one, look the result up, then take a new key.
    is_key_spent = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=OperationState.choices, default=OperationState.UNKNOWN)
    result_id = models.CharField(max_length=255, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation", "stable_id"], name="stripe_operation_once")
        ]


class OrderEvent(models.Model):
    """One of Stripe's events that was worked for an order, so that the order's page finds it by an index."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    inbox_id = models.UUIDField()
    event_type = models.CharField(max_length=100)
    note = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    worked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "inbox_id"], name="order_event_once")]
