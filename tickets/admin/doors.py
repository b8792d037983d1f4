"""The screens of what looked wrong at the doors, and of how events check in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.times import time_column, time_words
from tickets.models import CheckInPolicy, ScanAnomaly
from tickets.services.anomalies import clear_anomaly
from tickets.services.policies import set_policy


class OpenFilter(admin.SimpleListFilter):
    """Whether somebody has looked at it."""

    title = "looked at"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the choices."""
        return [("no", "Not yet"), ("yes", "Cleared")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was chosen."""
        if self.value() in {"no", "yes"}:
            return queryset.filter(cleared_at__isnull=self.value() == "no")
        return queryset


@admin.register(ScanAnomaly)
class ScanAnomalyAdmin(ScopedModelAdmin):
    """Scans of one ticket that somebody should look at."""

    organization_path = "event__organization"
    # Holders are people: who may see orders may see them.
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "A ticket at two doors, or scanned again and again, stands here until somebody clears it."
    list_display = ("last", "kind", "ticket", "detail", "times", "looked_at")
    list_filter = ("kind", OpenFilter, ("event", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("event", "ticket")
    search_fields = ("ticket__number", "detail")
    search_help_text = "Ticket or detail"
    fields = readonly_fields = ("kind", "event", "ticket", "detail", "times", "first", "last", "looked_at")

    first = time_column("first_at", "First", "event.zone")
    last = time_column("last_at", "Last", "event.zone")

    def acts_for(self, request: HttpRequest, obj: Model) -> list[Act]:
        """Offer nothing on one that is cleared."""
        is_open = isinstance(obj, ScanAnomaly) and obj.cleared_at is None
        return super().acts_for(request, obj) if is_open else []

    @admin.display(description="Looked at", ordering="cleared_at")
    def looked_at(self, anomaly: ScanAnomaly) -> str:
        """Say when somebody cleared it; in words, as a tick would not tell whether that is good."""
        return time_words(anomaly.cleared_at, anomaly.event.zone) if anomaly.cleared_at else "Not yet"

    @act(
        "Clear",
        capability=Capability.REISSUE,
        explain="Notes that you looked at it. What is scanned after this is counted anew.",
        icon="done_all",
    )
    def clear(self, call: ActCall[ScanAnomaly]) -> str:
        """Note that somebody looked."""
        clear_anomaly(actor=call.actor, anomaly_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Cleared."


@admin.register(CheckInPolicy)
class CheckInPolicyAdmin(ScopedModelAdmin):
    """What an event's doors accept."""

    organization_path = "event__organization"
    add_capability = change_capability = Capability.MANAGE_EVENTS
    nothing_here = "Without a policy an event's doors take live and typed codes, and let each ticket in once."
    list_display = ("event", "accepts_printed", "allows_reentry")
    list_select_related = ("event",)
    search_fields = ("event__title",)
    autocomplete_fields = ("event",)
    fields = ("event", "accepts_printed", "allows_reentry")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a policy with its event."""
        return () if obj is None else ("event",)

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> CheckInPolicy:
        """Call the service."""
        given = form.cleaned_data
        return set_policy(
            actor=scope_of(request).actor,
            event_id=obj.pk if change else given["event"].pk,
            accepts_printed=given["accepts_printed"],
            allows_reentry=given["allows_reentry"],
            now=clock.now(),
        )
