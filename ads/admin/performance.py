"""What an event's ads did: figures of a range of days, the same as a file, and their proof from raw events."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse

from accounts.admin_base.acts import show_refusal
from accounts.scope import scope_of
from accounts.types import Capability
from ads import sheets
from ads.admin.pages import EventPages
from ads.admin.proving import prove
from ads.files import csv_answer
from ads.models import InvalidReason, PriceModel
from ads.selectors.performance import MAXIMUM_LIMIT, performance
from ads.types.ads import AdStatus, Page
from ads.types.performance import AdPerformance, DateRange, PerformancePage
from common import clock
from common.admin.times import time_words
from common.admin.widgets import DayInput
from common.errors import Failure
from common.money import decimal_string, format_fraction, format_money
from common.windows import LONGEST_RANGE_DAYS, USUAL_RANGE_DAYS
from events.admin_pages import event_to_work_at
from events.models import Event

_ROWS: Final = 50
_FIRST_DAY: Final = date(1970, 1, 2)
# A page number of more digits is no page.
_PAGE_DIGITS: Final = 4
_SHORTCUTS: Final = (7, 30, 90, LONGEST_RANGE_DAYS)
_COLUMNS: Final = (
    "ad", "ad_id", "status", "price_model", "date_from", "date_to", "impressions", "viewable", "viewability",
    "unique_viewers", "clicks", "ctr", "invalid_impressions", "invalid_clicks", "spend", "over_delivery", "currency",
    "over_delivered_impressions", "over_delivered_clicks", "data_through",
)  # fmt: skip


class RangeForm(forms.Form):
    """Two days of the event's calendar, both included. What a range may be is the selector's to say."""

    date_from = forms.DateField(widget=DayInput(), label="From")
    date_to = forms.DateField(widget=DayInput(), label="To")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["max"] = today.isoformat()


class DayForm(forms.Form):
    """The day to prove."""

    day = forms.DateField(widget=DayInput(), help_text="By the event's calendar.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["day"].widget.attrs["max"] = today.isoformat()

    def clean_day(self) -> date:
        """Refuse a day that has not begun at the event."""
        day: date = self.cleaned_data["day"]
        if day < _FIRST_DAY:
            raise forms.ValidationError(f"From {_FIRST_DAY} on.")
        if day > self.today:
            raise forms.ValidationError("This day has not begun at the event.")
        return day


@dataclass(frozen=True, slots=True)
class Row:
    """One ad of the table: its figures, and the words for them."""

    told: AdPerformance

    @property
    def link(self) -> str:
        """Lead to the ad."""
        return reverse("admin:ads_ad_change", args=[self.told.ad_id])

    @property
    def status(self) -> str:
        """Say how it stands and what is paid for."""
        return f"{AdStatus(self.told.status).label}, {PriceModel(self.told.price_model).label.lower()}"

    @property
    def ctr(self) -> str:
        """Say how many of a hundred impressions were clicked."""
        return format_fraction(self.told.ctr, 2)

    @property
    def viewability(self) -> str:
        """Say how many of a hundred impressions could be seen."""
        return format_fraction(self.told.viewability)

    @property
    def refused(self) -> int:
        """Count what was not counted."""
        return self.told.invalid.impressions + self.told.invalid.clicks

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Say why, the most frequent first."""
        counts = sorted(self.told.invalid.by_reason.items(), key=lambda one: -one[1])
        return [(str(InvalidReason(reason).label), number) for reason, number in counts]

    @property
    def spend(self) -> str:
        """Say what was billed."""
        return format_money(self.told.spend)

    @property
    def over(self) -> str:
        """Say what was delivered past the budget."""
        return format_money(self.told.over_delivery) if self.told.over_delivery.amount else "-"

    @property
    def over_what(self) -> str:
        """Say how many impressions and clicks that is."""
        counts = (
            ("impressions", self.told.over_delivered_impressions),
            ("clicks", self.told.over_delivered_clicks),
        )
        return ", ".join(f"{number:,} {name}" for name, number in counts if number)


class PerformancePages(EventPages):
    """The figures of an event's ads, their file, and the recount of a day."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages."""
        return [
            self.page_at("performance/", self.performance_view, "performance"),
            self.page_at("performance/file/", self.file_view, "file"),
            self.page_at("performance/recount/", self.recount_view, "recount"),
            *super().get_urls(),
        ]

    def performance_view(self, request: HttpRequest) -> HttpResponse:
        """Show the figures of a range of days."""
        event, events = event_to_work_at(request, Capability.VIEW_ANALYTICS)
        context: dict[str, Any] = {"event": event, "events": events}
        if event is not None:
            context |= _figures(request, event)
        return self.show(request, "performance.html", "Ad performance", context)

    def file_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send the same figures, of all ads of the event, as a file."""
        event, _ = event_to_work_at(request, Capability.VIEW_ANALYTICS)
        if event is None:
            raise Http404
        form = RangeForm(request.GET, today=_today(event))
        first = _read(request, event, form, Page(MAXIMUM_LIMIT, 0)) if form.is_valid() else None
        if first is None:
            return HttpResponseRedirect(f"{reverse('admin:ads_ad_performance')}?{request.GET.urlencode()}")
        name = f"ads-{event.slug}-{first.date_from}-{first.date_to}.csv"
        return csv_answer(sheets.lines(_COLUMNS, _lines(request, event, form, first)), file_name=name)

    def recount_view(self, request: HttpRequest) -> HttpResponse:
        """Count a day again from its raw events, by POST: it costs more than a look. It changes nothing."""
        given = request.POST if request.method == "POST" else request.GET
        event, _ = event_to_work_at(request, Capability.VIEW_ANALYTICS)
        if event is None:
            raise Http404
        today = _today(event)
        form = DayForm(given if "day" in given else None, initial={"day": today}, today=today)
        back = f"{reverse('admin:ads_ad_performance')}?event={event.pk}"
        context: dict[str, Any] = {"event": event, "form": form, "back_url": back, "proof": None}
        if request.method == "POST" and form.is_valid():
            context["proof"] = prove(event, form.cleaned_data["day"])
        return self.show(request, "recount.html", "Recount from raw events", context)


def _today(event: Event) -> date:
    return clock.now().astimezone(event.zone).date()


def _figures(request: HttpRequest, event: Event) -> dict[str, Any]:
    today = _today(event)
    usual = {"date_from": today - timedelta(days=USUAL_RANGE_DAYS - 1), "date_to": today}
    is_asked = "date_from" in request.GET or "date_to" in request.GET
    form = RangeForm(request.GET if is_asked else usual, today=today)
    asked = request.GET.get("page", "")
    number = int(asked) if asked.isdecimal() and len(asked) <= _PAGE_DIGITS else 1
    offset = (max(number, 1) - 1) * _ROWS
    context: dict[str, Any] = {
        "form": form,
        "most_days": LONGEST_RANGE_DAYS,
        "shortcuts": [
            (days, _range_link(event, today - timedelta(days=days - 1), today)) for days in _SHORTCUTS
        ],
    }
    found = _read(request, event, form, Page(_ROWS, offset)) if form.is_valid() else None
    return context if found is None else context | _shown(event, found, offset // _ROWS + 1, today)


def _read(request: HttpRequest, event: Event, form: RangeForm, page: Page) -> PerformancePage | None:
    """Return the page; None when the range is refused, which its form then says."""
    asked = DateRange(**form.cleaned_data)
    try:
        return performance(scope_of(request).actor, event.pk, asked=asked, page=page, now=clock.now())
    except Failure as refusal:
        show_refusal(form, refusal)
        return None


def _range_link(event: Event, first: date, last: date) -> str:
    return "?" + urlencode({"event": event.pk, "date_from": first, "date_to": last})


def _shown(event: Event, found: PerformancePage, number: int, today: date) -> dict[str, Any]:
    link = _range_link(event, found.date_from, found.date_to)
    day_form = DayForm(initial={"day": min(found.date_to, today)}, today=today)
    return {
        "rows": [Row(one) for one in found.results],
        "page": Paginator(range(found.count), _ROWS).get_page(number),
        "page_url": link,
        "file_url": reverse("admin:ads_ad_file") + link,
        "recount_url": reverse("admin:ads_ad_recount"),
        "day_form": day_form,
        "first_day": found.date_from,
        "last_day": found.date_to,
        "count": found.count,
        "data_through": time_words(found.freshness.data_through, event.zone),
        "pending_days": found.freshness.pending_days,
    }


def _lines(
    request: HttpRequest, event: Event, form: RangeForm, first: PerformancePage
) -> Iterator[list[str]]:
    """Yield a line for each ad, page after page as they are sent."""
    found: PerformancePage | None = first
    offset = 0
    while found is not None and found.results:
        for one in found.results:
            yield _line(one, found)
        offset += MAXIMUM_LIMIT
        found = _read(request, event, form, Page(MAXIMUM_LIMIT, offset)) if offset < found.count else None


def _line(one: AdPerformance, found: PerformancePage) -> list[str]:
    return [
        one.name, str(one.ad_id), one.status, one.price_model, str(found.date_from), str(found.date_to),
        str(one.impressions), str(one.viewable), _rate(one.viewability), _known(one.unique_viewers), str(one.clicks),
        _rate(one.ctr), str(one.invalid.impressions), str(one.invalid.clicks), decimal_string(one.spend),
        decimal_string(one.over_delivery), one.spend.currency, str(one.over_delivered_impressions),
        str(one.over_delivered_clicks), one.freshness.data_through.isoformat(),
    ]  # fmt: skip


def _rate(fraction: float | None) -> str:
    return "N/A" if fraction is None else f"{fraction:.6f}"


def _known(number: int | None) -> str:
    return "N/A" if number is None else str(number)
