"""What lists are narrowed by, those of jobs above all."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common import clock
from common.admin.scoping import policy
from common.outbox.registry import registry

_MOST_ORGANIZATIONS = 200
_AGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class ArchivedFilter(admin.SimpleListFilter):
    """Those at hand, unless one asks for archived ones."""

    title = "archive"
    parameter_name = "archive"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the choices."""
        return [("archived", "Archived"), ("all", "With archived ones")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen ones."""
        if self.value() == "all":
            return queryset
        return queryset.filter(is_archived=self.value() == "archived")


class AgeFilter(admin.SimpleListFilter):
    """When jobs died."""

    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the spans."""
        return [
            ("hour", "Died in the last hour"),
            ("day", "Died in the last day"),
            ("week", "Died in the last week"),
            ("older", "Dead for more than a week"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of the chosen span."""
        now, chosen = clock.now(), self.value() or ""
        if chosen == "older":
            return queryset.filter(finished_at__lt=now - _AGES["week"])
        return queryset.filter(finished_at__gte=now - _AGES[chosen]) if chosen in _AGES else queryset


class KindFilter(admin.SimpleListFilter):
    """The kinds that there are among the rows."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the kinds of the rows that the user sees."""
        rows = model_admin.get_queryset(request).order_by("kind").values_list("kind", flat=True)
        return [(kind, kind) for kind in rows.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of the kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class RegisteredKindFilter(KindFilter):
    """Every kind that somebody works: for the list of all jobs, which is too long to be read through for it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the kinds."""
        return [(kind, kind) for kind in registry.names()]


class OrganizationFilter(admin.SimpleListFilter):
    """Whose jobs; offers the organizations that have rows here and that the user may see."""

    title = "organization"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the organizations."""
        rows = model_admin.get_queryset(request).filter(organization_id__isnull=False).order_by()
        ids = set(rows.values_list("organization_id", flat=True).distinct()[:_MOST_ORGANIZATIONS])
        names = policy().names(ids)
        return sorted(((str(one), names.get(one, str(one))) for one in ids), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of the organization; one that was not offered keeps none."""
        chosen = self.value()
        if chosen is None:
            return queryset
        offered = {value for value, _ in self.lookup_choices}
        return queryset.filter(organization_id=chosen) if chosen in offered else queryset.none()
