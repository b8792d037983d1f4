"""The form of an offer. It checks shapes only: the rules are the catalog's, and its errors stand at the fields."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from common.admin.times import read_in, time_words
from common.errors import FieldError, Invalid
from common.money import Money, decimal_string
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


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """An offer with its prices as decimals of the event's currency, and its targets by name."""

    price = forms.CharField(max_length=20, widget=UnfoldAdminTextInputWidget())
    original_price = forms.CharField(max_length=20, required=False, widget=UnfoldAdminTextInputWidget())
    # Text, not URL fields: which addresses will do is the catalog's to say.
    image_url = forms.CharField(
        max_length=MAXIMUM_URL, required=False, widget=UnfoldAdminTextInputWidget(), help_text="https only."
    )
    content_url = forms.CharField(
        max_length=MAXIMUM_URL, required=False, widget=UnfoldAdminTextInputWidget(),
        help_text="Only for exclusive content: where the access code opens it; https only.",
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
        fields = (*PLAIN_FIELDS, *LINKED_FIELDS)
        help_texts = {
            "offer_type": "Upgrades and content are given at once, merchandise and services by your people.",
            "inventory_total": "Empty: unlimited.",
            "per_user_limit": "Empty: no limit for one buyer.",
            "upgrade_to_tier": "Only for a ticket upgrade, which needs it: the buyer's ticket moves to this tier.",
            "requires_offer": "Only who has bought that one may buy this.",
            "excludes_offer": "Who has bought that one may not buy this.",
        }

    # Set by the screen: whose offer it is.
    event: Event

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer: Offer = self.instance
        if offer._state.adding:
            offer.event, offer.currency = self.event, self.event.currency
        else:
            self._show_what_is_set()
        # Who only looks has few fields, or none.
        self._offer_what_is_there()
        for name, words in self._words().items():
            if name in self.fields:
                self.fields[name].help_text = words

    def _show_what_is_set(self) -> None:
        """Show prices as decimals, targets as ticked, the window as the clocks at the event say it."""
        offer: Offer = self.instance
        original = offer.original_price
        self.initial["price"] = decimal_string(offer.price)
        self.initial["original_price"] = "" if original is None else decimal_string(original)
        for name in ("target_sessions", "target_ticket_tiers"):
            self.initial[name] = [str(one) for one in getattr(offer, name)]
        for name in _TIMES:
            instant = getattr(offer, name)
            if instant is not None:
                self.initial[name] = timezone.make_naive(instant, self.event.zone)

    def _offer_what_is_there(self) -> None:
        """Let sessions, tiers and other offers of this event alone be chosen."""
        fields: dict[str, Any] = dict(self.fields)
        if "target_sessions" in fields:
            sessions = Session.objects.filter(event=self.event).order_by("starts_at", "pk")
            fields["target_sessions"].choices = [
                (str(one.pk), f"{one.title}, {time_words(one.starts_at, self.event.zone)}")
                for one in sessions
            ]
        tiers = TicketTier.objects.filter(event=self.event).order_by("sort_order", "name", "pk")
        if "target_ticket_tiers" in fields:
            fields["target_ticket_tiers"].choices = [(str(one.pk), one.name) for one in tiers]
        others = Offer.objects.filter(event=self.event).exclude(pk=self.instance.pk).order_by("title", "pk")
        for name in LINKED_FIELDS:
            if name in fields:
                fields[name].queryset = tiers if name == "upgrade_to_tier" else others

    def _words(self) -> dict[str, str]:
        """Say of which currency prices are, and of which clocks times."""
        currency = self.event.currency
        where = f"As clocks at the event say: {self.event.time_zone}."
        return {
            "price": f"In {currency}, such as {decimal_string(Money(1999, currency))}; 0 is free.",
            "original_price": f"In {currency}. Shown struck through.",
            "starts_at": f"{where} Empty: at once.",
            "expires_at": f"{where} Empty: with no end.",
        }

    def clean(self) -> dict[str, Any]:
        """Read the window as the clocks at the event say it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in _TIMES:
            if data.get(name) is None:
                continue
            try:
                data[name] = read_in(self.event.zone, data[name], getattr(self.instance, name))
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
