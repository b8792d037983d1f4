"""What the buyers of offers got."""

import uuid

from django.db import models
from django.db.models import Q

from common.windows import tellable
from offers.models.offers import Offer
from offers.models.purchases import Purchase


class FulfillmentStatus(models.TextChoices):
    """How far the buyer is from having the goods (REQUIREMENTS OF-11)."""

    PENDING = "PENDING", "Pending"
    PROCESSING = "PROCESSING", "Processing"
    PENDING_MANUAL = "PENDING_MANUAL", "Waiting for staff"
    FULFILLED = "FULFILLED", "Fulfilled"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class Fulfillment(models.Model):
    """What the buyer of one purchase got, or is still to get."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="fulfillment")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=15, choices=FulfillmentStatus.choices, default=FulfillmentStatus.PENDING,
    )  # fmt: skip
    access_code = models.CharField(max_length=40, null=True, blank=True, unique=True)
    access_url = models.URLField(max_length=2048, blank=True)
    carrier = models.CharField(max_length=100, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    appointment_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    failure = models.CharField(max_length=500, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    fulfilled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "fulfilment"
        ordering = ("created_at", "id")
        indexes = [
            models.Index(fields=["offer", "status"], name="fulfillment_offer_status"),
            # The staff's queues: few rows wait beside all that are done.
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["PENDING_MANUAL", "PROCESSING", "FAILED"]),
                name="fulfillment_waiting",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=FulfillmentStatus.values), name="fulfillment_status_known"
            ),
            # Never marked fulfilled without it having happened (REQUIREMENTS OF-11).
            models.CheckConstraint(
                condition=~Q(status="FULFILLED") | Q(fulfilled_at__isnull=False),
                name="fulfillment_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(carrier="", tracking_number="") | (~Q(carrier="") & ~Q(tracking_number="")),
                name="fulfillment_tracking_whole",
            ),
            models.CheckConstraint(
                condition=tellable("appointment_at"), name="fulfillment_appointment_is_tellable"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purchase.quantity} × {self.offer.title}, order {self.purchase.order.number}"


class MerchandiseFulfillment(Fulfillment):
    """Fulfilments of merchandise, for their own screen."""

    class Meta:
        proxy = True
        verbose_name = "parcel"
        verbose_name_plural = "parcels"


class ServiceFulfillment(Fulfillment):
    """Fulfilments of services, for their own screen."""

    class Meta:
        proxy = True
        verbose_name = "appointment"
        verbose_name_plural = "appointments"
