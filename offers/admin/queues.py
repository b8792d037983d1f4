"""What a staff queue shows: what is to do, unless one asks for more."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from offers.models import Fulfillment, FulfillmentStatus

_TO_DO = (FulfillmentStatus.PENDING_MANUAL, FulfillmentStatus.PROCESSING, FulfillmentStatus.FAILED)
_CHOICES = {
    "in_hand": (FulfillmentStatus.PROCESSING,),
    "failed": (FulfillmentStatus.FAILED,),
    "done": (FulfillmentStatus.FULFILLED,),
    "cancelled": (FulfillmentStatus.CANCELLED,),
}


class QueueFilter(admin.SimpleListFilter):
    """What is to do, what is done, or everything; nothing chosen is what is to do."""

    title = "queue"
    parameter_name = "queue"
    done = "Done"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the parts of the queue."""
        return [
            ("in_hand", "In hand"), ("failed", "Failed"), ("done", self.done), ("cancelled", "Cancelled"),
            ("all", "Everything"),
        ]  # fmt: skip

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Say what stands there when nothing is chosen."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "To do"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Fulfillment]) -> QuerySet[Fulfillment]:
        """Keep the chosen part."""
        chosen = self.value()
        if chosen == "all":
            return queryset
        return queryset.filter(status__in=_CHOICES.get(chosen or "", _TO_DO))


def queue_filter(done: str) -> type[QueueFilter]:
    """Return the filter with the queue's own word for what is done."""
    return type("QueueFilter", (QueueFilter,), {"done": done})
