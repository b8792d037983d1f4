"""The long sections: a row for each order that was paid, and for each movement of money, page after page."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

from analytics.selectors.details import PageOfOrders, moved_orders, movements_of, paid_orders
from analytics.types.exports import Cell, Note, Row
from analytics.types.figures import Range
from common.money import Money
from events.models import Event
from payments.models import LedgerEntry, Order

_CUT: Final = Note(
    "The rows end here, but there are more: the rest could not be read. Ask for the file again."
)


class Read(Protocol):
    """Reads a page of what is named, again where it fails; None: in vain."""

    def __call__(self, what: str, page: Callable[[], Any]) -> Any: ...


def order_rows(event: Event, wanted: Range, read: Read, *, with_buyers: bool) -> Iterator[Row]:
    """Yield the orders that were paid in the range. One statement a page."""
    page = partial(paid_orders, event, wanted, with_buyers=with_buyers)
    for found in _pages(page, partial(read, "Orders")):
        if isinstance(found, Note):
            yield found
        else:
            yield from (_order(order, event, with_buyers=with_buyers) for order in found.orders)


def ledger_rows(event: Event, wanted: Range, read: Read) -> Iterator[Row]:
    """Yield what moved in the range, order by order. Two statements a page of orders."""
    for found in _pages(partial(moved_orders, event, wanted), partial(read, "Ledger")):
        if isinstance(found, Note):
            yield found
            return
        moved = read("Ledger", partial(movements_of, found.orders, wanted))
        if moved is None:
            yield _CUT
            return
        yield from (_movement(order, entry, event) for order, entry in moved)


def _pages(page: Callable[[Any], PageOfOrders], read: Callable[[Any], Any]) -> Iterator[PageOfOrders | Note]:
    """Yield page after page; after one that could not be read, the note that says so."""
    after = None
    while True:
        found = read(partial(page, after))
        if found is None:
            yield _CUT
            return
        yield found
        if found.after is None:
            return
        after = found.after


def _order(order: Order, event: Event, *, with_buyers: bool) -> tuple[Cell, ...]:
    paid_at = order.paid_at
    row: tuple[Cell, ...] = (
        order.number, order.created_at.astimezone(event.zone), paid_at and paid_at.astimezone(event.zone),
        order.purpose, order.title, order.quantity, order.currency, Money(order.unit_amount, order.currency),
        order.total, order.refunded, order.status.label,
    )  # fmt: skip
    return (*row, order.buyer.email) if with_buyers else row


def _movement(order: Order, entry: LedgerEntry, event: Event) -> tuple[Cell, ...]:
    return (
        entry.occurred_at.astimezone(event.zone), entry.get_kind_display(), order.number, order.purpose, order.title,
        entry.currency, Money(entry.amount, entry.currency),
    )  # fmt: skip
