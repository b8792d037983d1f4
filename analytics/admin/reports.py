"""Scheduled reports: list, form, the acts that pause them and run them now, and each one's history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, act
from accounts.scope import scope_of
from accounts.types import Capability
from analytics.admin.report_forms import ReportForm
from analytics.admin.report_words import STATES, state_of, timetable_words
from analytics.models import ScheduledReport
from analytics.selectors.reports import runs_of, told
from analytics.services.reports import asking, defining
from analytics.types.exports import ReportFormat
from common import clock
from common.admin.acts import ActPage, Result
from common.admin.filters import ArchivedFilter
from common.admin.times import time_column
from events.admin_choosing import EventFirst

RUNS_A_PAGE = 25
_CHANGE = "admin:analytics_scheduledreport_change"


@admin.register(ScheduledReport)
class ScheduledReportAdmin(EventFirst):
    """Reports of one's organizations that go out by e-mail. Who sees analytics looks; staff change."""

    organization_path = "event__organization"
    view_capability = defining.LOOK
    add_capability = change_capability = defining.MANAGE
    nothing_here = "Have the figures of an event sent to your people each day, week or month."
    form = ReportForm
    event_question = "Which event is the report of?"
    event_explained = (
        "Its clocks and its organization's people are those of the form. A report stays at its event."
    )
    list_display = ("name", "event", "timetable", "next_run", "state", "shown_formats")
    list_filter = (ArchivedFilter, "cadence", "is_paused", ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "event__title")
    search_help_text = "Report or event"
    list_per_page = 25
    change_form_outer_after_template = "admin/analytics/report_history.html"

    next_run = time_column("next_run_at", "Next run", "event.zone")

    class Media:
        css = {"all": ("admin-marquee/reports.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the page that makes a failed run again."""
        view = self.admin_site.admin_view(self.retry_view)
        page = path(
            "<uuid:object_id>/runs/<uuid:run_id>/retry/", view, name="analytics_scheduledreport_retry"
        )
        return [page, *super().get_urls()]

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what is typed to those who may change it, what it means to those who look."""
        if obj is not None and not self.has_change_permission(request, obj):
            return (
                (
                    None,
                    {
                        "fields": (
                            "event",
                            "name",
                            "timetable",
                            "next_run",
                            "state",
                            "shown_formats",
                            "people",
                        )
                    },
                ),
            )
        when = ("When", {"fields": ("cadence", ("weekday", "day_of_month"), "local_time")})
        what = ("What and to whom", {"fields": ("formats", "recipient_ids")})
        shown = ("event", "name") if obj is None else ("event", "name", "state", "next_run")
        return ((None, {"fields": shown}), when, what)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a report at its event; the clock moves the rest."""
        return ("event", "timetable", "next_run", "state", "shown_formats", "people")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let staff change what is not archived."""
        is_over = isinstance(obj, ScheduledReport) and obj.is_archived
        return not is_over and bool(super().has_change_permission(request, obj))

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> ScheduledReport:
        """Call the service, whose refusals are shown at their fields."""
        if not isinstance(form, ReportForm):
            raise TypeError("scheduled reports are saved through their form")
        actor, given, now = scope_of(request).actor, form.as_input(), clock.now()
        if change:
            # As it was when its form was compared: who changed it since is not overtaken either.
            return defining.update_report(
                actor=actor, report_id=obj.pk, given=given, version=obj.version, now=now
            )
        return defining.create_report(actor=actor, event_id=form.event.pk, given=given, now=now)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the history below the form, a page at a time."""
        obj = kwargs.get("obj")
        if obj is not None:
            page = Paginator(runs_of(obj), RUNS_A_PAGE).get_page(request.GET.get("p", 1))
            context["runs_page"] = page
            context["runs"] = [told(run) for run in page]
            context["may_retry"] = self.has_change_permission(request, obj)
            context["sees_outbox"] = scope_of(request).has(Capability.VIEW_ORDERS, obj.event.organization_id)
            context["zone"] = obj.event.zone
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    # What is shown

    @admin.display(description="When")
    def timetable(self, report: ScheduledReport) -> str:
        """Say when it goes out, by the clocks at the event."""
        return timetable_words(report)

    @display(description="State", label=dict(STATES.values()))
    def state(self, report: ScheduledReport) -> str:
        """Say how it stands, in a word."""
        return STATES[state_of(report)][0]

    @admin.display(description="Formats")
    def shown_formats(self, report: ScheduledReport) -> str:
        """Name them."""
        return ", ".join(str(ReportFormat(one).label) for one in report.formats)

    @admin.display(description="Recipients")
    def people(self, report: ScheduledReport) -> str:
        """Name who gets it."""
        return (
            ", ".join(report.recipients.order_by("user__email").values_list("user__email", flat=True)) or "-"
        )

    # What is done

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the state, and to who gets it to be taken off."""
        if obj.is_archived:
            return []
        is_mine = obj.recipients.filter(user_id=request.user.pk).exists()
        unfit = {"pause" if obj.is_paused else "resume", *(() if is_mine else ("leave",))}
        return [one for one in super().acts_for(request, obj) if one.name not in unfit]

    @act("Run now", capability=defining.MANAGE, icon="send", on_many=False,
         explain="It is made and sent at once, for the days that one of today covers. The schedule stays.")  # fmt: skip
    def run_now(self, call: ActCall[ScheduledReport]) -> str:
        """Make it now."""
        run = asking.run_now(actor=call.actor, report_id=call.subject.pk, reason=call.reason, now=call.now)
        if run.created_at != call.now:
            return "It was asked for less than a minute ago, or is still being made: nothing new was begun."
        return f"It is being made, for {run.first} to {run.last}; the history below tells how it stands."

    @act("Pause", capability=defining.MANAGE, icon="pause", explain="Nothing is sent until it goes on.")
    def pause(self, call: ActCall[ScheduledReport]) -> str:
        """Stop its clock."""
        defining.pause_report(actor=call.actor, report_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Paused."

    @act("Resume", capability=defining.MANAGE, icon="play_arrow",
         explain="It goes on with its next time. What lay in the pause is not sent.")  # fmt: skip
    def resume(self, call: ActCall[ScheduledReport]) -> str:
        """Let its clock go on."""
        defining.resume_report(actor=call.actor, report_id=call.subject.pk, reason=call.reason, now=call.now)
        return "It goes on."

    @act("Archive", capability=defining.MANAGE, icon="archive", is_dangerous=True,
         explain="For good: it sends nothing any more. Its history stays.")  # fmt: skip
    def archive(self, call: ActCall[ScheduledReport]) -> str:
        """Put it out of sight."""
        defining.archive_report(actor=call.actor, report_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Archived."

    @act("Take me off", capability=defining.LOOK, icon="unsubscribe", on_many=False,
         explain="You do not get this report any more. Staff can put you on it again.")  # fmt: skip
    def leave(self, call: ActCall[ScheduledReport]) -> str:
        """Take oneself off."""
        defining.leave_report(actor=call.actor, report_id=call.subject.pk, reason=call.reason, now=call.now)
        return "You do not get it any more."

    def retry_view(self, request: HttpRequest, object_id: UUID, run_id: UUID) -> HttpResponse:
        """Ask why, then have a failed run made again."""
        report = self.get_queryset(request).filter(pk=object_id).first()
        run = None if report is None else report.runs.filter(pk=run_id).first()
        if run is None:
            raise Http404
        if not self.has_change_permission(request, report):
            raise PermissionDenied

        def again(reason: str) -> list[Result]:
            asking.retry_run(actor=scope_of(request).actor, run_id=run_id, reason=reason, now=clock.now())
            return [Result(str(run), True, "It is being made again.")]

        explain = "All attempts again, for the same days. Nobody gets it twice."
        page = ActPage("Make it again", explain, 1, [run], reverse(_CHANGE, args=[object_id]), again)
        return page.answer(request, self.admin_site, self.opts)
