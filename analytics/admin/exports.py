"""Downloading an event's report from its console."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin_base import ScopedModelAdmin
from accounts.admin_base.acts import show_refusal
from accounts.scope import scope_of
from accounts.types import Capability
from analytics.files import file_answer
from analytics.services.exports import export_for
from analytics.types.exports import ReportFormat
from analytics.types.figures import LONGEST_RANGE_DAYS
from common import clock
from common.admin.widgets import DayInput
from common.errors import Failure, RateLimited
from events.models import Event

_USUAL_DAYS: Final = 30


class ExportForm(forms.Form):
    """What to write, and of which days of the event's calendar. What a range may be is the service's to say."""

    format = forms.ChoiceField(choices=ReportFormat.choices, widget=UnfoldAdminSelectWidget())
    date_from = forms.DateField(widget=DayInput(), label="From")
    date_to = forms.DateField(widget=DayInput(), label="To")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("date_from", "date_to"):
            self.fields[name].widget.attrs["max"] = today.isoformat()


class ExportPages(ScopedModelAdmin):
    """The file of an event's figures, for a screen of events."""

    def get_urls(self) -> list[URLPattern]:
        """Add the page, which is the file once it is told which."""
        page: URLPattern = path(
            "<uuid:event_id>/export/",
            self.admin_site.admin_view(self.export_view),
            name="analytics_event_export",
        )
        return [page, *super().get_urls()]

    @method_decorator(require_GET)
    def export_view(self, request: HttpRequest, event_id: UUID) -> HttpResponseBase:
        """Send the file that is asked for; without a format, or with days that are no range, ask."""
        event = Event.objects.filter(pk=event_id).first()
        if event is None or not scope_of(request).has(Capability.VIEW_ANALYTICS, event.organization_id):
            raise Http404
        today = clock.now().astimezone(event.zone).date()
        usual = {"date_from": today - timedelta(days=_USUAL_DAYS - 1), "date_to": today}
        asked = {name: request.GET[name] for name in ExportForm.base_fields if name in request.GET}
        form = ExportForm(
            {**usual, **asked} if "format" in asked else None, initial={**usual, **asked}, today=today
        )
        if not form.is_valid():
            return self._ask(request, event, form, status=400 if form.errors else 200)
        try:
            return _file(request, event, form)
        except RateLimited as refusal:
            show_refusal(form, refusal)
            page = self._ask(request, event, form, status=429)
            page["Retry-After"] = str(refusal.retry_after)
            return page
        except Failure as refusal:
            show_refusal(form, refusal)
            return self._ask(request, event, form, status=400)

    def _ask(self, request: HttpRequest, event: Event, form: ExportForm, *, status: int) -> HttpResponseBase:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Download figures: {event.title}",
            "opts": self.opts,
            "event": event,
            "form": form,
            "most_days": LONGEST_RANGE_DAYS,
            "back_url": reverse("admin:analytics_event_dashboard", args=[event.pk]),
        }
        return TemplateResponse(request, "admin/analytics/export.html", context, status=status)


def _file(request: HttpRequest, event: Event, form: ExportForm) -> HttpResponseBase:
    """Return the file. Raises what the service refuses it with."""
    asked = {**form.cleaned_data}
    report_format = ReportFormat(asked.pop("format"))
    actor, now = scope_of(request).actor, clock.now()
    report = export_for(actor=actor, event_id=event.pk, report_format=report_format, now=now, **asked)
    return file_answer(report)
