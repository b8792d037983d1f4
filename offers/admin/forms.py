"""The form of an offer. It checks shapes only: the rules are the catalog's, and its errors stand at the fields."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from common.money import decimal_string
from events.models import Session
from offers.models import Offer
from offers.types import MAXIMUM_TARGETS, MAXIMUM_URL
from tickets.models import TicketTier

PLAIN_FIELDS = (
    "title", "description", "offer_type", "placement", "image_url", "inventory_total", "per_user_limit", "starts_at",
    "expires_at", "is_active", "content_url", "allows_delayed_payment",
)  # fmt: skip
LINKED_FIELDS = ("requires_offer", "excludes_offer", "upgrade_to_tier")


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """An offer with its prices as decimals of the event's currency, and its targets by name."""

    price = forms.CharField(
        max_length=20, widget=UnfoldAdminTextInputWidget(), help_text="Such as 19.99; 0 is free."
    )
    original_price = forms.CharField(
        max_length=20, required=False, widget=UnfoldAdminTextInputWidget(), help_text="Shown struck through."
    )
    # Text, not URL fields: which addresses will do is the catalog's to say.
    image_url = forms.CharField(
        max_length=MAXIMUM_URL, required=False, widget=UnfoldAdminTextInputWidget(), help_text="https only."
    )
    content_url = forms.CharField(
        max_length=MAXIMUM_URL, required=False, widget=UnfoldAdminTextInputWidget(),
        help_text="Where the access code opens the content; https only.",
    )  # fmt: skip
    target_sessions = forms.MultipleChoiceField(
        required=False, widget=UnfoldAdminSelectMultipleWidget(), help_text="None: shown in every session."
    )
    target_ticket_tiers = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(),
        help_text="None: for holders of any ticket, or of none.",
    )

    class Meta:
        model = Offer
        fields = ("event", *PLAIN_FIELDS, *LINKED_FIELDS)

    # Set by the screen to the events that the member may choose from.
    events: QuerySet[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer = self.instance
        if not offer._state.adding:
            self.initial["price"] = decimal_string(offer.price)
            original = offer.original_price
            self.initial["original_price"] = "" if original is None else decimal_string(original)
            self.initial["target_sessions"] = [str(one) for one in offer.target_sessions]
            self.initial["target_ticket_tiers"] = [str(one) for one in offer.target_ticket_tiers]
        if "target_sessions" in self.fields:
            events = self.events if offer._state.adding else [offer.event_id]
            self._choices("target_sessions", Session.objects.filter(event__in=events))
            self._choices("target_ticket_tiers", TicketTier.objects.filter(event__in=events))

    def _choices(self, name: str, rows: QuerySet[Any]) -> None:
        found = rows.select_related("event").order_by("event__title", "pk")[:MAXIMUM_TARGETS]
        field: Any = self.fields[name]
        field.choices = [(str(row.pk), f"{row.event}: {row}") for row in found]

    def chosen(self, name: str) -> tuple[UUID, ...]:
        """Return the ids that were ticked."""
        return tuple(UUID(one) for one in self.cleaned_data[name])

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the catalog judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | set(PLAIN_FIELDS) | set(LINKED_FIELDS)
