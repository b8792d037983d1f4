"""Tickets: who holds them, what code opens the door, and what the doors saw of them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Func

from tickets.letters import new_manual_code
from tickets.models.tiers import TicketTier


class TicketStatus(models.TextChoices):
    """Whether the ticket opens the door."""

    VALID = "VALID", "Valid"
    VOID = "VOID", "Void"


# As ``letters.manual_code_hash``. The letters are plain ASCII, so the cast reads no escapes.
MANUAL_CODE_HASH = Func(
    F("manual_code"), template="sha256(%(expressions)s::bytea)", output_field=models.BinaryField()
)


class Ticket(models.Model):
    """One person's way into an event."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="tickets")
    tier = models.ForeignKey(TicketTier, on_delete=models.PROTECT, related_name="tickets")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets")
    number = models.CharField(max_length=20, unique=True)
    status = models.CharField(max_length=10, choices=TicketStatus.choices, default=TicketStatus.VALID)
    issued_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    # What paid for it, and its place among the tickets of that sale: none is issued twice.
    sale = models.ForeignKey(
        "tickets.TicketSale",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="tickets",
        db_index=False,
    )
    sale_position = models.PositiveSmallIntegerField(null=True, blank=True)
    # While its payment is disputed or on its way back it opens no door.
    stopped_reason = models.CharField(max_length=200, blank=True, default="")
    # Codes carry the generation: re-issuing raises it, and so ends all codes before.
    generation = models.PositiveIntegerField(default=1)
    manual_code = models.CharField(max_length=8, unique=True, default=new_manual_code)
    # What the doors know. ``is_inside`` follows leaving and re-entry where the event counts them.
    first_scanned_at = models.DateTimeField(null=True, blank=True)
    first_gate = models.CharField(max_length=50, blank=True, default="")
    is_inside = models.BooleanField(default=False)
    admissions = models.PositiveIntegerField(default=0)
    last_code_nonce = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        ordering = ("issued_at", "id")
        constraints = [
            models.UniqueConstraint(fields=["sale", "sale_position"], name="ticket_once_in_its_sale"),
        ]
        indexes = [
            models.Index(fields=["holder", "event"], name="ticket_holder_event"),
            models.Index(fields=["event", "tier"], name="ticket_event_tier"),
            models.Index(MANUAL_CODE_HASH, name="ticket_manual_code_hash"),
        ]

    def __str__(self) -> str:
        return self.number
