"""Tracked events that were not kept, automated clients' among them: how many, why, and of which event. Read-only."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from ads.admin.invalid import EventFilter
from analytics.models import RefusedCount
from events.models import Event


@admin.register(RefusedCount)
class RefusedCountAdmin(ScopedModelAdmin):
    """By UTC day and reason. Of no known event: operators alone."""

    view_capability = Capability.VIEW_ANALYTICS
    nothing_here = (
        "What front ends tell is checked. What bots tell, what comes too late and what names nothing of yours is not "
        "counted among the figures; how much of it there was stands here."
    )
    list_display = ("day", "reason", "event", "count")
    list_filter = ("reason", EventFilter)
    date_hierarchy = "day"
    ordering = ("-day", "-count", "id")
    fields = readonly_fields = ("day", "reason", "event", "count")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Name the events along with the rows: a count points to none by a foreign key."""
        event = Event.objects.filter(pk=OuterRef("event_id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(
            event_title=Subquery(event.values("title")),
            organization_id=Subquery(event.values("organization_id")),
        )
        return named

    def scope_filter(self, request: HttpRequest, capability: Capability | None) -> dict[str, Any]:
        """Keep what was told of the events of one's organizations."""
        if capability is None:
            return {"pk__in": []}
        where: set[UUID] | None = scope_of(request).organizations(capability)
        if where is None:
            return {}
        return {"event_id__in": Event.objects.filter(organization__in=where).values("pk")}

    @admin.display(description="Event")
    def event(self, row: Any) -> str:
        """Name the event, where one of ours was named."""
        return row.event_title or "-"
