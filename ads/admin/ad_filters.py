"""Which ads the list shows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ads.models import AdPlacement
from ads.types.ads import AdStatus


class StatusFilter(admin.SimpleListFilter):
    """How ads stand now: every one in one status."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the statuses."""
        return [(one.value, str(one.label)) for one in AdStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the ads in the status."""
        return queryset.filter(status=self.value()) if self.value() in AdStatus.values else queryset


class PlacementFilter(admin.SimpleListFilter):
    """Ads of one place; those of several are found under each."""

    title = "placement"
    parameter_name = "placement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the places."""
        return [(one.value, str(one.label)) for one in AdPlacement]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those that are shown there."""
        chosen = self.value()
        return queryset.filter(placements__contains=[chosen]) if chosen in AdPlacement.values else queryset
