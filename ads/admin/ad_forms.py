"""The forms of ads. They check shapes only: the rules are the services', and their errors stand at the fields."""

from dataclasses import replace
from datetime import UTC
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import ActForm
from ads.models import Ad, AdPlacement, AdSpend
from ads.services.ad_rules import judge
from ads.types.ads import MAXIMUM_URL, AdInput
from common.admin.times import read_in, time_words
from common.admin.widgets import Checkboxes, LocalTimeInput
from common.errors import FieldError, Invalid
from common.money import Money, decimal_string
from events.models import Event, Session

_PLAIN = (
    "name", "content_type", "media_url", "click_url", "display_duration_seconds", "aspect_ratio", "weight",
    "frequency_cap", "is_active", "price_model", "pacing",
)  # fmt: skip
_TIMES = ("starts_at", "ends_at")
_MONEY = {
    "price": "price_amount",
    "budget_total": "budget_total_amount",
    "budget_daily": "budget_daily_amount",
}


def _text(longest: int, label: str, help_text: str = "", *, is_needed: bool = True) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget()
    return forms.CharField(
        max_length=longest, label=label, required=is_needed, widget=widget, help_text=help_text
    )


class AdForm(forms.ModelForm):  # type: ignore[type-arg]
    """An ad of one event: prices as decimals of its currency, times by its clocks, sessions by name."""

    # Text, not URL fields: which addresses will do is the service's to say.
    media_url = _text(MAXIMUM_URL, "Media address", "The picture or film, best by https.")
    click_url = _text(
        MAXIMUM_URL, "Click address", "Where a click leads. Empty: it cannot be clicked.", is_needed=False
    )
    aspect_ratio = _text(9, "Aspect ratio", "Width:height, such as 16:9.")
    price = _text(20, "Price")
    budget_total = _text(20, "Total budget", is_needed=False)
    budget_daily = _text(20, "Daily budget", is_needed=False)
    placements = forms.MultipleChoiceField(
        choices=AdPlacement.choices, widget=Checkboxes("Placements"), help_text="One or more."
    )
    target_sessions = forms.MultipleChoiceField(
        required=False,
        widget=Checkboxes("Target sessions"),
        help_text="None ticked: everywhere in the event.",
    )
    starts_at = forms.DateTimeField(required=False, widget=LocalTimeInput(), label="Starts")
    ends_at = forms.DateTimeField(required=False, widget=LocalTimeInput(), label="Ends")

    class Meta:
        model = Ad
        fields = _PLAIN
        labels = {"display_duration_seconds": "Display duration (seconds)", "is_active": "Switched on"}
        help_texts = {
            "weight": "Twice the weight is shown twice as often. 1 to 1,000.",
            "frequency_cap": "How often one viewer sees it in a day, at most.",
            "is_active": "It is shown when its schedule begins.",
            "pacing": "Evenly: a budget is spread over the day, or over the schedule.",
        }

    # Set by the screen: whose ad it is.
    event: Event

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ad: Ad = self.instance
        if ad._state.adding:
            ad.event, ad.currency = self.event, self.event.currency
        # Who only looks has no fields.
        if "target_sessions" in self.fields:
            self._offer_sessions()
            self._say_currency()
            self._show_times()
        if not ad._state.adding:
            self._show_lists()

    def _offer_sessions(self) -> None:
        zone, field = self.event.zone, self.fields["target_sessions"]
        sessions = Session.objects.of_event(self.event.pk).order_by("starts_at", "pk")
        choices = [(str(one.pk), f"{one.title}, {time_words(one.starts_at, zone)}") for one in sessions]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = choices

    def _say_currency(self) -> None:
        currency = self.instance.currency
        self.fields["price"].help_text = (
            f"In {currency}, such as {decimal_string(Money(1999, currency))}: for a thousand impressions, a click, or "
            "the whole run, as the price model says. 0: nothing is billed."
        )
        self.fields["budget_total"].help_text = f"In {currency}. Empty: no limit."
        self.fields[
            "budget_daily"
        ].help_text = f"In {currency}, for a day in {self.event.time_zone}. Empty: no limit."

    def _show_times(self) -> None:
        """Show the schedule as the clocks at the event say it."""
        where = f"As clocks at the event say: {self.event.time_zone}."
        self.fields["starts_at"].help_text = f"{where} Empty: at once."
        self.fields["ends_at"].help_text = f"{where} Not shown from then on. Empty: with no end."
        for name in _TIMES:
            instant = getattr(self.instance, name)
            if instant is not None:
                # What the field reads as if it were UTC, so that a form sent back as it was has no change.
                local = timezone.make_naive(instant, self.event.zone)
                self.initial[name] = local.replace(tzinfo=UTC)

    def _show_lists(self) -> None:
        ad: Ad = self.instance
        initial: dict[str, Any] = {
            "placements": list(ad.placements),
            "target_sessions": [str(one) for one in ad.target_sessions],
            **{name: _decimal(getattr(ad, field), ad.currency) for name, field in _MONEY.items()},
        }
        self.initial.update(initial)

    def clean(self) -> dict[str, Any]:
        """Read the schedule as the clocks at the event say it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in _TIMES:
            if data.get(name) is None:
                continue
            try:
                data[name] = read_in(self.event.zone, data[name], getattr(self.instance, name))
            except ValidationError as error:
                self.add_error(name, error)
        return data

    def _post_clean(self) -> None:
        """Say at once what the rules refuse too: whoever mends what has no shape is not sent back a second time."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            return
        ad: Ad = self.instance
        is_new = ad._state.adding
        spend = None if is_new else AdSpend.objects.select_related("ad__event").get(ad_id=ad.pk)
        given = self.as_input() if is_new else self.changes()
        # What could not be read is no value of before: no other field is compared with it.
        unreadable = tuple(FieldError(name, "invalid", "") for name in self.errors)
        try:
            judge(replace(given, unreadable=unreadable), event=self.event, spend=spend)
        except Invalid as refusal:
            told = [
                one for one in refusal.errors if one.field in self.fields and one.field not in self.errors
            ]
            for one in told:
                self.add_error(one.field, one.message)

    def as_input(self) -> AdInput:
        """Return what was typed as the service takes it."""
        return AdInput(**self._read(set(self.cleaned_data)))

    def changes(self) -> AdInput:
        """Return what was typed otherwise than it stood there: the rest stays as it is meanwhile."""
        return AdInput(**self._read(set(self.changed_data)))

    def _read(self, names: set[str]) -> dict[str, Any]:
        data = {name: value for name, value in self.cleaned_data.items() if name in names}
        for name in ("budget_total", "budget_daily"):
            if name in data:
                data[name] = data[name] or None
        if "placements" in data:
            data["placements"] = tuple(data["placements"])
        if "target_sessions" in data:
            data["target_sessions"] = tuple(UUID(one) for one in data["target_sessions"])
        return data

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the service judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {field.name for field in Ad._meta.get_fields()}


class ShowNowForm(ActForm):
    """In which session. Nobody asks why: it is an announcement, and is in the history."""

    session_id = forms.TypedChoiceField(
        required=False, coerce=UUID, empty_value=None, widget=UnfoldAdminSelectWidget(), label="Session"
    )

    def __init__(self, *args: Any, ad: Ad, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"]
        sessions = Session.objects.of_event(ad.event_id).order_by("starts_at", "pk")
        if ad.target_sessions:
            sessions = sessions.filter(pk__in=ad.target_sessions)
        field = self.fields["session_id"]
        if isinstance(field, forms.ChoiceField):
            everywhere = ("", "Wherever the ad is aimed at")
            field.choices = [everywhere, *((str(one.pk), one.title) for one in sessions)]


def _decimal(amount: int | None, currency: str) -> str:
    return "" if amount is None else decimal_string(Money(amount, currency))
