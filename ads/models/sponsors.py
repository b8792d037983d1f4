"""Sponsors of events, their people, and the leads that they gathered."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.outbox.ids import new_id


class Sponsor(models.Model):
    """Who supports an event and gathers leads there. Taken off by ``is_active``, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: the ones below begin with it. So it is with the sponsor of people and leads.
    event = models.ForeignKey(
        "events.Event", on_delete=models.PROTECT, related_name="sponsors", db_index=False
    )
    name = models.CharField(max_length=200)
    website = models.URLField(max_length=2048, blank=True)
    description = models.TextField(max_length=2000, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="sponsor_has_a_name"),
            models.CheckConstraint(
                condition=Q(website="") | Q(website__startswith="https://"), name="sponsor_website_is_https"
            ),
        ]
        indexes = [models.Index(fields=["event", "is_active", "name", "id"], name="sponsor_event_active")]

    def __str__(self) -> str:
        return self.name


class SponsorMember(models.Model):
    """One of the sponsor's people: sees its leads and gives new ones."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sponsor = models.ForeignKey(Sponsor, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("user__email",)
        constraints = [models.UniqueConstraint(fields=["sponsor", "user"], name="sponsor_member_once")]

    def __str__(self) -> str:
        return f"{self.user} of {self.sponsor}"


class LeadSource(models.TextChoices):
    """How a lead was met."""

    BOOTH_SCAN = "BOOTH_SCAN", "Booth scan"
    AD_CLICK = "AD_CLICK", "Ad click"
    FORM = "FORM", "Form"


class Lead(models.Model):
    """A person who agreed that a sponsor keeps their address. One row for each sponsor and e-mail.

    ``email_key`` names the box however the address is written (``notifications.addresses.recipient_key``).
    Without consent there is no row: the database says so too.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sponsor = models.ForeignKey(Sponsor, on_delete=models.PROTECT, related_name="leads", db_index=False)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=32, editable=False)
    company = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=10, choices=LeadSource.choices)
    note = models.TextField(max_length=2000, blank=True)
    consent = models.BooleanField(default=True)
    consent_at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Who the lead is, when they have an account.",
    )  # fmt: skip
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["sponsor", "email_key"], name="lead_once_per_sponsor"),
            models.CheckConstraint(condition=Q(consent=True), name="lead_has_consent"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(email=""), name="lead_is_somebody"),
            models.CheckConstraint(condition=Q(source__in=LeadSource.values), name="lead_source_known"),
        ]
        indexes = [
            models.Index(fields=["sponsor", "-created_at", "-id"], name="lead_newest"),
            models.Index(fields=["-created_at", "-id"], name="lead_newest_of_all"),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.sponsor}"
