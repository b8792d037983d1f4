"""Shapes of sponsors and leads on REST. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from ads.models import Lead, LeadSource, Sponsor
from common.rest import StrictSerializer

_YOURS = "If not said: one's own; who gives leads for anybody says it."


class LeadSerializer(StrictSerializer):
    """Giving a lead."""

    name = serializers.CharField(required=False, allow_blank=True, help_text=f"1 to 200 characters. {_YOURS}")
    email = serializers.CharField(required=False, allow_blank=True, help_text=_YOURS)
    company = serializers.CharField(required=False, allow_blank=True, help_text="At most 200 characters.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=LeadSource.choices, help_text="Attendees, for themselves: FORM or AD_CLICK."
    )
    note = serializers.CharField(required=False, allow_blank=True, help_text="At most 2000 characters.")
    consent = serializers.BooleanField(
        help_text="They agree that the sponsor keeps this. Only true is taken."
    )


class SponsorAnswer(serializers.ModelSerializer[Sponsor]):
    """A sponsor."""

    website = serializers.CharField(read_only=True, help_text="An address, or empty.")

    class Meta:
        model = Sponsor
        fields = ("id", "event_id", "name", "website", "description")
        read_only_fields = fields


class LeadAnswer(serializers.ModelSerializer[Lead]):
    """A lead. To an attendee ``company`` and ``note`` are what their own call said."""

    class Meta:
        model = Lead
        fields = (
            "id", "sponsor_id", "name", "email", "company", "source", "note", "consent", "consent_at", "created_at",
        )  # fmt: skip
        read_only_fields: tuple[Any, ...] = fields
