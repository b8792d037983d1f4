"""What was bought of offers."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When

from offers.models.offers import Offer


class PurchaseStatus(models.TextChoices):
    """Where the units of a purchase are."""

    HELD = "HELD", "Held"
    SOLD = "SOLD", "Sold"
    RETURNED = "RETURNED", "Returned"
    RELEASED = "RELEASED", "Released"


class Purchase(models.Model):
    """Units of an offer that one person reserved, bought or gave back. One order pays for it.

    ``reserved_units`` and ``sold_units`` are this purchase's share of the offer's counters: the sums over all
    purchases are the counters, which ``reconcile_inventory`` proves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without indexes of their own, which each purchase would pay for: those below begin with them.
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="purchases", db_index=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases", db_index=False
    )
    order = models.OneToOneField("payments.Order", on_delete=models.PROTECT, related_name="+")
    ticket = models.ForeignKey(
        "tickets.Ticket", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False,
    )  # fmt: skip
    quantity = models.PositiveIntegerField()
    reserved_units = models.PositiveIntegerField(default=0)
    sold_units = models.PositiveIntegerField(default=0)
    returned_units = models.PositiveIntegerField(default=0)
    # Computed by the database from the units, so that it cannot disagree with them.
    status = models.GeneratedField(
        expression=Case(
            When(reserved_units__gt=0, then=Value(PurchaseStatus.HELD.value)),
            When(sold_units__gt=0, then=Value(PurchaseStatus.SOLD.value)),
            When(returned_units__gt=0, then=Value(PurchaseStatus.RETURNED.value)),
            default=Value(PurchaseStatus.RELEASED.value),
        ),
        output_field=models.CharField(max_length=10, choices=PurchaseStatus.choices),
        db_persist=True,
    )
    created_at = models.DateTimeField()
    purchased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gte=F("reserved_units") + F("sold_units") + F("returned_units")),
                name="purchase_units_within_quantity",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="purchase_of_something"),
        ]
        indexes = [
            models.Index(fields=["user", "event"], name="purchase_user_event"),
            models.Index(fields=["offer", "user"], name="purchase_offer_user"),
            models.Index(fields=["event", "purchased_at"], name="purchase_event_time"),
            models.Index(fields=["status", "purchased_at"], name="purchase_status_time"),
            models.Index(fields=["ticket"], condition=Q(ticket__isnull=False), name="purchase_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.offer.title}, order {self.order.number}"
