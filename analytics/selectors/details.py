"""What happened at an event, a row each, for exports: read page after page by key, so that nothing piles up.

A cursor of the database would hold a transaction for as long as somebody downloads; each page is a read of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from analytics.types.figures import Range
from events.models import Event
from payments.models import LedgerEntry, LedgerKind, Order, OrderState

PAGE: Final = 1_000
# Money is dated by Stripe's clock, orders by ours: an order is looked for a little past the range's end.
_SKEW: Final = timedelta(days=1)
# No page of Stripe's is open for more than a day, so what was ordered earlier was paid before the range.
_LONGEST_CHECKOUT: Final = timedelta(days=30)
_PAID: Final = (
    "number", "purpose", "title", "quantity", "unit_amount", "amount", "refunded_amount", "paid_amount", "currency",
    "lost_amount", "state", "is_disputed", "created_at", "paid_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageOfOrders:
    """Orders of a page, those of the range among them, and where the next page begins. None: it was the last."""

    orders: Sequence[Order]
    after: tuple[datetime, UUID] | None


def paid_orders(
    event: Event, wanted: Range, after: tuple[datetime, UUID] | None, *, with_buyers: bool = False
) -> PageOfOrders:
    """Return the next of an event's orders that were paid in the range, free ones too, the oldest first.

    One statement, by the index of the event's orders, which reads those of the range and of a month before it.
    """
    found = Order.objects.filter(
        paid_at__gte=wanted.start, paid_at__lt=wanted.end, state=OrderState.PAID,
        created_at__gte=wanted.start - _LONGEST_CHECKOUT,
    )  # fmt: skip
    if with_buyers:
        return _page(found.select_related("buyer").only(*_PAID, "buyer__email"), event, wanted, after)
    return _page(found.only(*_PAID), event, wanted, after)


def moved_orders(event: Event, wanted: Range, after: tuple[datetime, UUID] | None) -> PageOfOrders:
    """Return the next of an event's orders where money moved in the range, however old they are.

    One statement. PostgreSQL starts from the movements of the range where those are few, else from the orders.
    """
    moved = LedgerEntry.objects.filter(_moved_in(wanted), order_id=OuterRef("pk"))
    found = Order.objects.filter(Exists(moved)).only("number", "purpose", "title", "created_at")
    return _page(found, event, wanted, after)


def _moved_in(wanted: Range) -> Q:
    return Q(occurred_at__gte=wanted.start, occurred_at__lt=wanted.end) & ~Q(kind=LedgerKind.FEE)


def _page(
    orders: QuerySet[Order], event: Event, wanted: Range, after: tuple[datetime, UUID] | None
) -> PageOfOrders:
    orders = orders.filter(event=event, created_at__lt=wanted.end + _SKEW)
    page = list(_after(orders, after)[:PAGE])
    last = page[-1] if len(page) == PAGE else None
    return PageOfOrders(page, (last.created_at, last.pk) if last else None)


def movements_of(orders: Sequence[Order], wanted: Range) -> list[tuple[Order, LedgerEntry]]:
    """Return what moved in the range for these orders, in their order, Stripe's fees left out. One statement."""
    by_id = {order.pk: order for order in orders}
    entries = LedgerEntry.objects.filter(_moved_in(wanted), order_id__in=by_id)
    moved: dict[UUID, list[LedgerEntry]] = {}
    for entry in entries.order_by("occurred_at", "pk"):
        moved.setdefault(entry.order_id, []).append(entry)
    return [(order, entry) for order in orders for entry in moved.get(order.pk, ())]


def _after(orders: QuerySet[Order], after: tuple[datetime, UUID] | None) -> QuerySet[Order]:
    if after is not None:
        at, pk = after
        orders = orders.filter(Q(created_at__gt=at) | Q(pk__gt=pk), created_at__gte=at)
    return orders.order_by("created_at", "pk")
