"""Which queues the list shows."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from common import clock


class QueueFilter(admin.SimpleListFilter):
    """Sessions in whose queue something goes on, unless one asks for more."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the choices."""
        return [("ahead", "All sessions ahead"), ("all", "All sessions")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Say what stands there when nothing is chosen."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "With people waiting"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen ones."""
        if self.value() == "all":
            return queryset
        if self.value() == "ahead":
            return queryset.filter(starts_at__gt=clock.now())
        return queryset.filter(Q(waiting__gt=0) | Q(held__gt=0))
