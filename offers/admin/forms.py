"""The form of an offer. It checks shapes only: the rules are the catalog's, and its errors stand at the fields."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from common.admin.times import read_in
from common.errors import FieldError, Invalid
from common.money import decimal_string
from events.models import Event, Session
from offers.models import Offer
from offers.types import MAXIMUM_URL
from tickets.models import TicketTier

PLAIN_FIELDS = (
    "title", "description", "offer_type", "placement", "image_url", "inventory_total", "per_user_limit", "starts_at",
    "expires_at", "is_active", "content_url", "allows_delayed_payment",
)  # fmt: skip
LINKED_FIELDS = ("requires_offer", "excludes_offer", "upgrade_to_tier")
_TIMES = ("starts_at", "expires_at")
# Of all events together, before the offer has its own: more cannot be chosen from by eye.
_MOST_CHOICES = 500


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
            self._show_times(offer.event)
        if "target_sessions" in self.fields:
            rows = self._of_the_event(Session.objects.all())
            self._choices("target_sessions", rows.order_by("starts_at", "pk"))
            rows = self._of_the_event(TicketTier.objects.all())
            self._choices("target_ticket_tiers", rows.order_by("sort_order", "name", "pk"))

    def _of_the_event(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what belongs to the offer's event; before it has one, to the member's events."""
        if self.instance._state.adding:
            return rows.filter(event__in=self.events)
        return rows.filter(event=self.instance.event_id)

    def _choices(self, name: str, rows: QuerySet[Any]) -> None:
        field: Any = self.fields[name]
        if not self.instance._state.adding:
            field.choices = [(str(row.pk), str(row)) for row in rows]
            return
        groups: dict[str, list[tuple[str, str]]] = {}
        for row in rows.select_related("event")[:_MOST_CHOICES]:
            groups.setdefault(str(row.event), []).append((str(row.pk), str(row)))
        field.choices = list(groups.items())

    def _show_times(self, event: Event) -> None:
        """Show the window as the clocks at the event say it."""
        for name in _TIMES:
            instant = getattr(self.instance, name)
            if instant is not None:
                self.initial[name] = timezone.make_naive(instant, event.zone)
            if name in self.fields:
                self.fields[name].help_text = f"As clocks at the event say: {event.time_zone}."

    def clean(self) -> dict[str, Any]:
        """Read the window as the clocks at the event say it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        event = data.get("event") if self.instance._state.adding else self.instance.event
        for name in _TIMES:
            if event is None or data.get(name) is None:
                continue
            try:
                data[name] = read_in(event.zone, data[name])
            except ValidationError as error:
                self.add_error(name, error)
        return data

    def chosen(self, name: str) -> tuple[UUID, ...]:
        """Return the ids that were ticked."""
        return tuple(UUID(one) for one in self.cleaned_data[name])

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the catalog judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | set(PLAIN_FIELDS) | set(LINKED_FIELDS)


def named_as_here(refused: Invalid) -> Invalid:
    """Return the catalog's refusal with the names that the fields have in the form."""
    return Invalid(
        errors=[FieldError(one.field.removesuffix("_id"), one.code, one.message) for one in refused.errors]
    )
