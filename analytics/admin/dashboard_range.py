"""Which days the dashboard is about: two pickers that cannot be set wrong, and shortcuts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms

from accounts.admin_base.acts import show_refusal
from analytics.selectors.ranges import range_of
from analytics.types.figures import LONGEST_RANGE_DAYS, Range
from common.admin.widgets import DayInput
from common.errors import Failure
from events.models import Event

# What pickers begin with: before it there was nothing of ours.
_FIRST: Final = date(2000, 1, 1)
_PRESETS: Final = (7, 30, 90)
FIELDS: Final = ("date_from", "date_to")


class RangeForm(forms.Form):
    """Two days of the event's calendar, both included. Without an end: today; without a beginning: 30 days."""

    date_from = forms.DateField(widget=DayInput(), label="From", required=False)
    date_to = forms.DateField(widget=DayInput(), label="To", required=False)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        for field in self.fields.values():
            field.widget.attrs |= {"min": _FIRST.isoformat(), "max": today.isoformat()}

    def clean_date_from(self) -> date | None:
        """Refuse a day that has not begun at the event."""
        return self._begun("date_from")

    def clean_date_to(self) -> date | None:
        """Refuse a day that has not begun at the event."""
        return self._begun("date_to")

    def _begun(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day is not None and day > self.today:
            raise forms.ValidationError("This day has not begun at the event.")
        return day


@dataclass(frozen=True, slots=True)
class Chosen:
    """The days that were asked for (None: they are no range, and the form says why), and what to choose from."""

    form: RangeForm
    wanted: Range | None
    query: str
    presets: tuple[tuple[int, str, bool], ...]
    most_days: int = LONGEST_RANGE_DAYS


def chosen_range(event: Event, given: Mapping[str, str], *, now: datetime) -> Chosen:
    """Read the days from an address. ``query`` keeps them in links to other parts, empty for the usual ones."""
    today = now.astimezone(event.zone).date()
    asked = {name: given.get(name, "") for name in FIELDS}
    form = RangeForm(asked, today=today)
    wanted = None
    if form.is_valid():
        try:
            wanted = range_of(event, form.cleaned_data["date_from"], form.cleaned_data["date_to"], now=now)
        except Failure as refusal:
            show_refusal(form, refusal)
    if wanted is not None:
        form = RangeForm({"date_from": wanted.first, "date_to": wanted.last}, today=today)
    query = urlencode({name: day for name, day in asked.items() if day})
    return Chosen(form, wanted, query, _presets(wanted, today))


def _presets(wanted: Range | None, today: date) -> tuple[tuple[int, str, bool], ...]:
    """Return for each shortcut its days, its query, and whether it is what is shown."""
    found = []
    for days in _PRESETS:
        first = today - timedelta(days=days - 1)
        is_shown = wanted is not None and (wanted.first, wanted.last) == (first, today)
        found.append((days, urlencode({"date_from": first, "date_to": today}), is_shown))
    return tuple(found)
