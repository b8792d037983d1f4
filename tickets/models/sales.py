"""Sales of tickets."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tickets.models.tiers import TicketTier


class TicketSale(models.Model):
    """Tickets of a tier that one person reserved, bought or gave back. One order pays for them.

    ``reserved_units`` is this sale's share of its tier's counter. Sold ones are tickets, and count in the tier
    where each is now, which an upgrade may have changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without indexes of their own: those below begin with them.
    tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="sales", db_index=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="ticket_sales", db_index=False
    )
    order = models.OneToOneField("payments.Order", on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    reserved_units = models.PositiveIntegerField(default=0)
    sold_units = models.PositiveIntegerField(default=0)
    returned_units = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    purchased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gte=F("reserved_units") + F("sold_units") + F("returned_units")),
                name="ticket_sale_units_within_quantity",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="ticket_sale_of_something"),
        ]
        indexes = [
            models.Index(fields=["tier", "user"], name="ticket_sale_tier_user"),
            models.Index(fields=["user", "event"], name="ticket_sale_user_event"),
            models.Index(fields=["event", "purchased_at"], name="ticket_sale_event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.tier_id}"
