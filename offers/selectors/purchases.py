"""Reading what was bought."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet, Window

from offers.models import Offer, Purchase, PurchaseStatus
from offers.types import Page


def purchases_of(user_id: UUID, *, event_id: UUID | None = None) -> QuerySet[Purchase]:
    """Return what a person holds, bought or gave back, newest first; not the attempts that came to nothing.

    One whose money came too late is among them: its order says how the money went back.
    """
    rows = Purchase.objects.filter(user_id=user_id).exclude(
        Q(status=PurchaseStatus.RELEASED) & Q(order__paid_at__isnull=True)
    )
    return rows if event_id is None else rows.filter(event_id=event_id)


def page_of_purchases(
    user_id: UUID, page: Page, *, now: datetime, event_id: UUID | None = None
) -> tuple[Sequence[Purchase], int]:
    """Return a page of what a person bought, and how many there are (REQUIREMENTS OF-12).

    With order, fulfilment, ticket and offer, and what is left of each offer: two queries for any length (one
    more for a page past the end).
    """
    rows = purchases_of(user_id, event_id=event_id)
    offers = Prefetch("offer", queryset=Offer.objects.with_availability(now))
    loaded = rows.select_related("order", "fulfillment", "ticket__tier").prefetch_related(offers)
    shown = list(loaded.annotate(listed=Window(Count("pk")))[page.offset : page.offset + page.limit])
    if shown:
        return shown, shown[0].listed
    return [], rows.count() if page.offset else 0
