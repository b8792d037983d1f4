"""Screens of what stays at one event: who adds something is asked for the event first."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.admin_base import ScopedModelAdmin
from events.admin_pages import event_to_work_at


class EventFirst(ScopedModelAdmin):
    """Gives its form the event as ``form.event``: clocks, currency, sessions and people are the event's.

    A screen names its ``add_capability``, and what it asks and says before its form is there.
    """

    event_question: ClassVar[str]
    event_explained: ClassVar[str]
    # A new form carries its event along: what was typed outlives a second event that is made meanwhile.
    change_form_before_template = "admin/events/event_field.html"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the event first, where there are several; raises as ``event_to_work_at``."""
        event, events = event_to_work_at(request, self.add_capability)
        if event is not None:
            response: HttpResponse = super().add_view(request, form_url, extra_context)
            return response
        context = {
            **self.admin_site.each_context(request),
            "title": f"Add {self.opts.verbose_name}",
            "opts": self.opts,
            "media": self.media,
            "question": self.event_question,
            "explained": self.event_explained,
            "events": events,
            "back_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
        return TemplateResponse(request, "admin/events/choose.html", context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form whose event it is at."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.event = event_to_work_at(request, self.add_capability)[0] if obj is None else obj.event
        return form
