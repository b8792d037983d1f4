"""Moves of tickets between tiers."""

import uuid

from django.db import models
from django.db.models import F, Q

from tickets.models.tickets import Ticket
from tickets.models.tiers import TicketTier


class TierChangeStatus(models.TextChoices):
    """How far a move to another tier has come."""

    RESERVED = "RESERVED", "Reserved"
    SETTLED = "SETTLED", "Settled"
    RELEASED = "RELEASED", "Released"
    REVERSED = "REVERSED", "Reversed"


class TierChange(models.Model):
    """A ticket's move to another tier, one per cause, so that an upgrade can be repeated safely and undone.

    RESERVED holds one place in the target tier; SETTLED: the ticket is there; RELEASED: the place was given back
    before that; REVERSED: the ticket went back to where it was, or, where a later upgrade had moved it on, goes there
    once that one is undone too.
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
