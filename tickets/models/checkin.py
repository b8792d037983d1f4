"""What an event lets through its doors, every scan, and what looked wrong."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tickets.models.tickets import Ticket


class CheckInPolicy(models.Model):
    """How an event checks in. Without a row: live codes only, and nobody comes in twice."""

    event = models.OneToOneField(
        "events.Event", on_delete=models.PROTECT, primary_key=True, related_name="checkin_policy"
    )
    accepts_printed = models.BooleanField(
        default=False, help_text="Codes on paper open the door until the event ends; they can be copied."
    )
    allows_reentry = models.BooleanField(
        default=False, help_text="Doors count who leaves, and let them in again."
    )
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = "check-in policy"
        verbose_name_plural = "check-in policies"

    def __str__(self) -> str:
        return f"Check-in of {self.event}"


class CodeKind(models.TextChoices):
    """In which form a code came."""

    LIVE = "LIVE", "Live code"
    PRINTED = "PRINTED", "Printed code"
    MANUAL = "MANUAL", "Typed code"
    UNREADABLE = "UNREADABLE", "Not a code of ours"


class Direction(models.TextChoices):
    """Which way somebody goes."""

    IN = "IN", "In"
    OUT = "OUT", "Out"


class ScanResult(models.TextChoices):
    """The answer at the door (CONTRACT: "Scan")."""

    ACCEPTED = "accepted", "Accepted"
    DUPLICATE = "duplicate", "Duplicate"
    INVALID = "invalid", "Invalid"
    EXPIRED = "expired", "Expired"
    VOID = "void", "Void"
    WRONG_EVENT = "wrong_event", "Wrong event"


class ScanReason(models.TextChoices):
    """Why, in one word; the sentences are ``tickets.services.verdicts``'s."""

    ADMITTED = "admitted", "Let in"
    LEFT = "left", "Let out"
    ALREADY_IN = "already_in", "Already used"
    ALREADY_OUT = "already_out", "Not inside"
    REPLAYED = "replayed", "The same live code again"
    UNREADABLE = "unreadable", "Not a code"
    FORGED = "forged", "Wrong signature"
    UNKNOWN = "unknown", "No such ticket"
    PRINTED_REFUSED = "printed_refused", "Printed codes are not accepted"
    TOO_OLD = "too_old", "Live code ran out"
    EVENT_OVER = "event_over", "The event is over"
    VOIDED = "voided", "The ticket is void"
    REISSUED = "reissued", "The code was replaced"
    STOPPED = "stopped", "The payment is in question"
    OTHER_EVENT = "other_event", "A ticket of another event"


class TicketScan(models.Model):
    """One scan, as it was answered. Rows are added only; the code itself is not kept, its hash is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        "events.Event", on_delete=models.PROTECT, related_name="ticket_scans", db_index=False
    )
    # None: no ticket of this organization was named.
    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="scans", db_index=False
    )
    scanner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="ticket_scans", db_index=False
    )
    gate = models.CharField(max_length=50, blank=True)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.IN)
    kind = models.CharField("form", max_length=10, choices=CodeKind.choices)
    result = models.CharField(max_length=11, choices=ScanResult.choices)
    reason = models.CharField(max_length=15, choices=ScanReason.choices)
    code_hash = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64, blank=True, help_text="The scanner's own name of this scan.")
    scanned_at = models.DateTimeField(help_text="By the scanner's clock.")
    received_at = models.DateTimeField()
    is_late = models.BooleanField("uploaded late", default=False)
    # As they were when this scan was answered, so that a repetition is answered alike.
    first_scanned_at = models.DateTimeField(null=True, blank=True)
    first_gate = models.CharField(max_length=50, blank=True)

    class Meta:
        ordering = ("-received_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["scanner", "nonce"], condition=~Q(nonce=""), name="scan_nonce_once_per_scanner"
            ),
        ]
        indexes = [
            models.Index(fields=["event", "received_at"], name="scan_event_time"),
            models.Index(fields=["ticket", "received_at"], name="scan_ticket_time"),
            models.Index(fields=["-received_at", "-id"], name="scan_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_result_display()} at {self.gate or 'a door'}"


class AnomalyKind(models.TextChoices):
    """What looked wrong."""

    RAPID = "RAPID", "Scanned again and again"
    TWO_DOORS = "TWO_DOORS", "One ticket at two doors"
    LATE_DUPLICATE = "LATE_DUPLICATE", "Let in twice while offline"


class ScanAnomaly(models.Model):
    """Scans of one ticket that somebody should look at; one open row for each kind counts them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="anomalies")
    scan = models.ForeignKey(TicketScan, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=15, choices=AnomalyKind.choices)
    detail = models.CharField(max_length=200)
    times = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "scan anomalies"
        ordering = ("-last_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "kind"], condition=Q(cleared_at=None), name="anomaly_one_open_per_ticket"
            ),
            models.CheckConstraint(condition=Q(first_at__lte=F("last_at")), name="anomaly_times_in_order"),
        ]
        indexes = [models.Index(fields=["event", "last_at"], name="anomaly_event_time")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.ticket}"
