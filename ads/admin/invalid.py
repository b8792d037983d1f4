"""Traffic that was not counted: how much of it for which reason, and samples to look at. Read-only."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from ads.models import Ad, EventKind, InvalidCount, InvalidReason, InvalidSample
from common import clock
from common.admin.times import time_words
from events.models import Event

_DAYS: Final = 30
_NOWHERE: Final = UUID(int=0)
_WHY = {
    InvalidReason.DUPLICATE: "The same token came again.",
    InvalidReason.EXPIRED: "The token's time was over.",
    InvalidReason.FORGED: "The token is none of ours, or was changed.",
    InvalidReason.FOREIGN: "The token was given for another ad or viewer.",
    InvalidReason.BOT: "The client says that it is automated.",
    InvalidReason.STAFF: "A member of the organization looked.",
    InvalidReason.FLOOD: "More in a short time than one viewer can do.",
}


class EventFilter(admin.SimpleListFilter):
    """At which of one's events; only those that have samples are offered."""

    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the events."""
        seen = model_admin.get_queryset(request).order_by().values("event_id")
        events = Event.objects.filter(pk__in=seen).order_by("-starts_at", "title")
        return [(str(one.pk), one.title) for one in events]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the event's; one that was not offered keeps none."""
        chosen = self.value()
        if chosen is None:
            return queryset
        offered = {value for value, _ in self.lookup_choices}
        return queryset.filter(event_id=chosen) if chosen in offered else queryset.none()


@admin.register(InvalidSample)
class InvalidSampleAdmin(ScopedModelAdmin):
    """Samples of what was not counted, under the counts of all of it. Of no known event: operators alone."""

    view_capability = Capability.VIEW_ANALYTICS
    nothing_here = (
        "What bots, floods, replays and your own people do with ads is not counted. Samples of it stand here."
    )
    list_display = ("when", "what", "why", "ad", "event", "network", "client")
    list_filter = ("reason", "kind", EventFilter)
    list_before_template = "admin/ads/invalid_counts.html"
    search_fields = ("user_agent", "network")
    search_help_text = "Client or network"
    ordering = ("-occurred_at", "-id")
    fields = readonly_fields = ("when", "what", "why", "ad", "event", "shown_viewer", "network", "user_agent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Name events and ads along with the rows: a sample points to neither by a foreign key."""
        event = Event.objects.filter(pk=OuterRef("event_id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(
            event_title=Subquery(event.values("title")),
            event_zone=Subquery(event.values("time_zone")),
            organization_id=Subquery(event.values("organization_id")),
            ad_name=Subquery(Ad.objects.filter(pk=OuterRef("ad_id")).values("name")),
        )
        return named

    def scope_filter(self, request: HttpRequest, capability: Capability | None) -> dict[str, Any]:
        """Keep what happened at the events of one's organizations."""
        if capability is None:
            return {"pk__in": []}
        where = scope_of(request).organizations(capability)
        return (
            {}
            if where is None
            else {"event_id__in": Event.objects.filter(organization__in=where).values("pk")}
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the counts above the samples, of the event that was chosen."""
        counts = self._counts(request, now=clock.now()) if self.has_view_permission(request) else []
        context = {
            "counts": counts,
            "count_days": _DAYS,
            "count_kinds": EventKind.labels,
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def _counts(self, request: HttpRequest, *, now: datetime) -> list[dict[str, Any]]:
        rows = InvalidCount.objects.filter(slot__gte=now - timedelta(days=_DAYS))
        rows = rows.filter(**self.scope_filter(request, self.view_capability))
        if EventFilter.parameter_name in request.GET:
            rows = rows.filter(event_id=_id_of(request.GET[EventFilter.parameter_name]))
        counted = {
            (row["reason"], row["kind"]): row["number"]
            for row in rows.values("reason", "kind").annotate(number=Sum("count"))
        }
        told = [
            {
                "label": reason.label,
                "why": _WHY[reason],
                "numbers": numbers,
                "total": sum(numbers),
            }
            for reason in InvalidReason
            if any(numbers := [counted.get((reason, kind), 0) for kind in EventKind.values])
        ]
        return sorted(told, key=lambda row: -row["total"])

    @admin.display(description="When", ordering="occurred_at")
    def when(self, row: Any) -> str:
        """Say when, by the event's clocks."""
        return time_words(row.occurred_at, ZoneInfo(row.event_zone or "UTC"))

    @admin.display(description="What", ordering="kind")
    def what(self, row: InvalidSample) -> str:
        """Say what was refused."""
        return str(row.get_kind_display())

    @admin.display(description="Why not counted", ordering="reason")
    def why(self, row: InvalidSample) -> str:
        """Say why."""
        return str(row.get_reason_display())

    @admin.display(description="Ad")
    def ad(self, row: Any) -> str:
        """Name the ad, where the token told which."""
        return row.ad_name or "-"

    @admin.display(description="Event")
    def event(self, row: Any) -> str:
        """Name the event, where the token told which."""
        return row.event_title or "-"

    @admin.display(description="Viewer")
    def shown_viewer(self, row: InvalidSample) -> str:
        """Tell viewers apart without naming them."""
        return "-" if row.viewer is None else str(row.viewer)[:8]

    @admin.display(description="Client", ordering="user_agent")
    def client(self, row: InvalidSample) -> str:
        """Show the beginning of what the client calls itself."""
        return row.user_agent if len(row.user_agent) <= 40 else f"{row.user_agent[:39]}…"


def _id_of(text: str) -> UUID:
    """Return the id that was chosen; of no event what is none."""
    try:
        return UUID(text)
    except ValueError:
        return _NOWHERE
