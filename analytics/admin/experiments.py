"""Experiments: list, draft, the acts that start and stop them, and the page of their results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.scope import scope_of
from accounts.types import Capability
from analytics.admin.experiment_forms import ExperimentForm, rows_for
from analytics.admin.experiment_page import results_context
from analytics.models import Experiment, ExperimentStatus
from analytics.services.experiments import defining
from analytics.services.experiments.overlaps import warnings_of
from analytics.services.experiments.results import results_of
from common import clock
from common.admin.base import button
from common.admin.filters import ArchivedFilter
from common.admin.links import link_to
from common.admin.times import time_column
from common.errors import Invalid

_STATES = {
    "archived": ("Archived", "default"),
    ExperimentStatus.DRAFT: ("Draft", "info"),
    ExperimentStatus.RUNNING: ("Running", "success"),
    ExperimentStatus.STOPPED: ("Stopped", "warning"),
}
_FITS = {
    "start": ExperimentStatus.DRAFT, "stop": ExperimentStatus.RUNNING,
}  # fmt: skip


@admin.register(Experiment)
class ExperimentAdmin(ScopedModelAdmin):
    """Experiments of one's organizations. What is counted comes from visitors, never from here."""

    organization_path = "event__organization"
    view_capability = Capability.VIEW_ANALYTICS
    add_capability = change_capability = defining.DEFINE
    nothing_here = (
        "Define an experiment to find out which of several variants does better, before you keep one."
    )
    form = ExperimentForm
    list_display = ("name", "event", "slug", "metric", "state", "started", "stopped", "shown_results")
    list_filter = ("status", ArchivedFilter, "metric", ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "slug", "event__title")
    search_help_text = "Name, slug or event"
    list_per_page = 25

    started = time_column("started_at", "Started", "event.zone")
    stopped = time_column("stopped_at", "Stopped", "event.zone")

    class Media:
        css = {"all": ("admin-marquee/experiments.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the results."""
        view = self.admin_site.admin_view(self.results_view)
        page = path("<uuid:object_id>/results/", view, name="analytics_experiment_results")
        return [page, *super().get_urls()]

    def results_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the verdict and the figures behind it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("event").prefetch_related("variants")
        experiment = rows.filter(pk=object_id).first()
        if experiment is None:
            raise Http404
        [found] = results_of([experiment], now=clock.now())
        can_edit = self.has_change_permission(request, experiment)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Results: {experiment.name}",
            "opts": self.opts,
            "media": self.media,
            **results_context(found, self.acts_for(request, experiment), can_edit=can_edit),
        }
        return TemplateResponse(request, "admin/analytics/results.html", context)

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show lines for variants to those who may change them, and what they are to those who look."""
        asked = ("Question", {"fields": ("event", "name", "slug", "hypothesis", "metric", "minimum_sample")})
        if obj is not None and not self.has_change_permission(request, obj):
            shown = ("Variants", {"fields": ("shown_variants",)})
            return (asked, shown, ("Course", {"fields": ("state", "started", "stopped")}))
        said = "Ids as front ends call them. Twice the weight is seen by twice as many; 0 by nobody."
        return (asked, ("Variants", {"fields": tuple(rows_for(obj)), "description": said}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep an experiment at its event."""
        fixed = ("shown_variants", "state", "started", "stopped")
        return fixed if obj is None else ("event", *fixed)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let staff change drafts."""
        is_fixed = isinstance(obj, Experiment) and (obj.is_archived or obj.status != ExperimentStatus.DRAFT)
        return not is_fixed and bool(super().has_change_permission(request, obj))

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> Experiment:
        """Call the service, whose refusals are shown at their fields."""
        if not isinstance(form, ExperimentForm):
            raise TypeError("experiments are saved through their form")
        actor, given, now = scope_of(request).actor, form.as_input(), clock.now()
        try:
            if change:
                return defining.update_experiment(actor=actor, ref=str(obj.pk), given=given, now=now)
            event_id = form.cleaned_data["event"].pk
            return defining.create_experiment(actor=actor, event_id=event_id, given=given, now=now)
        except Invalid as refused:
            raise form.named_as_here(refused) from refused

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lead to the results."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["actions_detail"] = [
                button("Results", "monitoring", _results_url(obj)), *context.get("actions_detail", []),
            ]  # fmt: skip
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    # What is shown

    @display(description="State", label=dict(_STATES.values()))
    def state(self, experiment: Experiment) -> str:
        """Say how far it is, in a word."""
        return _STATES["archived" if experiment.is_archived else ExperimentStatus(experiment.status)][0]

    @admin.display(description="Results")
    def shown_results(self, experiment: Experiment) -> str:
        """Lead to the verdict."""
        words = format_html('Results<span class="mq-hidden"> of {}</span>', experiment.name)
        return link_to(_results_url(experiment), words)

    @admin.display(description="Variants")
    def shown_variants(self, experiment: Experiment) -> str:
        """Name them with their weights, the control first."""
        return ", ".join(
            f"{one.name} ({one.key}, weight {one.weight})" for one in experiment.variants.order_by("position")
        )

    # What is done

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the state."""
        found = [] if obj.is_archived else super().acts_for(request, obj)
        is_running = obj.status == ExperimentStatus.RUNNING
        return [
            one for one in found if (_FITS[one.name] == obj.status if one.name in _FITS else not is_running)
        ]

    def act_page(
        self, request: HttpRequest, declared: Act, rows: list[Model], came_from: str = ""
    ) -> HttpResponse:
        """Say before the start which running experiments its figures would be mixed up with."""
        if declared.name == "start":
            found = [row for row in rows if isinstance(row, Experiment)]
            said = [one for each in warnings_of(found, now=clock.now()).values() for one in each]
            declared = replace(declared, explain=" ".join([declared.explain, *said]))
        return super().act_page(request, declared, rows, came_from)

    @act("Start", capability=defining.RUN, icon="play_arrow", on_many=False,
         explain="From now on visitors are counted, and nothing of its definition changes any more.")  # fmt: skip
    def start(self, call: ActCall[Experiment]) -> str:
        """Start it."""
        started = defining.start_experiment(
            actor=call.actor, ref=str(call.subject.pk), reason=call.reason, now=call.now
        )
        return " ".join(["It is running.", *warnings_of([started], now=call.now).get(started.pk, ())])

    @act("Stop", capability=defining.RUN, icon="stop", is_dangerous=True, on_many=False,
         explain="For good: what happens from now on is not counted. The results stay.")  # fmt: skip
    def stop(self, call: ActCall[Experiment]) -> str:
        """Stop it."""
        defining.stop_experiment(actor=call.actor, ref=str(call.subject.pk), reason=call.reason, now=call.now)
        return "It was stopped."

    @act("Archive", capability=defining.DEFINE, icon="archive",
         explain="It goes out of the list; its results stay.")  # fmt: skip
    def archive(self, call: ActCall[Experiment]) -> str:
        """Put it out of sight."""
        defining.archive_experiment(
            actor=call.actor, ref=str(call.subject.pk), reason=call.reason, now=call.now
        )
        return "Archived."


def _results_url(experiment: Experiment) -> str:
    return reverse("admin:analytics_experiment_results", args=[experiment.pk])
