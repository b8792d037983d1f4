"""The rows of an export are read by what happened in its days, however long the event's history is."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from analytics.selectors.details import PageOfOrders, moved_orders, movements_of, paid_orders
from analytics.selectors.ranges import range_of
from analytics.tests.factories import Place, make_place
from analytics.tests.figures import move, sold
from payments.models import Order, Payment

pytestmark = pytest.mark.django_db

HISTORY = 4_000
DAY = NOW.date()


def filled(place: Place) -> Order:
    """Give the event a sale in each of many hours up to now, by two statements; return the oldest order."""
    sold(place.offer, NOW)
    order = Order.objects.get(event=place.event)
    with connection.cursor() as cursor:
        for table, changed in (
            (
                "payments_order",
                {"id": "md5('o' || n)::uuid", "number": "'H-' || n", "purpose_id": "gen_random_uuid()",
                 "created_at": "o.created_at - n * interval '1 hour'", "paid_at": "o.paid_at - n * interval '1 hour'"},
            ),
            (
                "payments_ledgerentry",
                {"id": "gen_random_uuid()", "order_id": "md5('o' || n)::uuid", "stripe_id": "'h-' || n",
                 "occurred_at": "o.occurred_at - n * interval '1 hour'"},
            ),
        ):  # fmt: skip
            copied(cursor, table, changed, order)
        cursor.execute("ANALYZE payments_order")
        cursor.execute("ANALYZE payments_ledgerentry")
    return Order.objects.get(number=f"H-{HISTORY}")


def copied(cursor: Any, table: str, changed: dict[str, str], order: Order) -> None:
    """Write a row of the order into its table so many times, with what is changed in each."""
    own = "id" if table == "payments_order" else "order_id"
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    names = [name for (name,) in cursor.fetchall()]
    values = ", ".join(changed.get(name, f"o.{name}") for name in names)
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} o, generate_series(1, %s) n"  # noqa: S608
        f" WHERE o.{own} = %s",
        [HISTORY, order.pk],
    )


def rows_read(ask: Any) -> tuple[PageOfOrders, int]:
    """Ask for a page; return it, and how many rows PostgreSQL looked at for it in the tables."""
    with CaptureQueriesContext(connection) as asked:
        page = ask()
    [statement] = [one["sql"] for one in asked if one["sql"].startswith("SELECT")]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (told,) = cursor.fetchone()
    return page, looked_at((json.loads(told) if isinstance(told, str) else told)[0]["Plan"])


def looked_at(node: dict[str, Any]) -> int:
    """Return how many rows the scans below a node took up, those thrown away again among them."""
    own = 0
    if "Relation Name" in node or "Index Name" in node:
        per_loop = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        own = round(per_loop * node["Actual Loops"])
    return own + sum(looked_at(child) for child in node.get("Plans", ()))


def test_an_export_of_a_day_does_not_read_all_that_was_ever_ordered() -> None:
    """REQ AN-11, OP-07: of 4,000 orders those of the day are read, and an old one whose money went back on it."""
    place = make_place()
    oldest = filled(place)
    payment = Payment.objects.get()
    move(oldest, payment, "refund", -700, NOW)
    wanted = range_of(place.event, DAY, DAY, now=NOW)
    page, looked = rows_read(lambda: moved_orders(place.event, wanted, None))
    assert len(page.orders) == 14
    assert looked < 200, looked
    moved = movements_of(page.orders, wanted)
    first, entry = moved[0]
    assert (first.number, entry.amount) == (oldest.number, -700)
    paid, looked = rows_read(lambda: paid_orders(place.event, wanted, None))
    assert [one.number for one in paid.orders] == [one.number for one in page.orders if one.pk != oldest.pk]
    # A month of checkouts before the day is looked through, so that none is left out: 720 rows, by an index and its
    # table, and by a third node in some plans. Whoever reads all that was ordered looks at more than there is.
    assert looked < HISTORY, looked


def test_the_days_of_all_that_was_ordered_are_the_whole() -> None:
    """REQ AN-11: what is left out of one day's export stands in that of another, once."""
    place = make_place()
    for days in (0, 1, 1, 2):
        sold(place.offer, NOW - timedelta(days=days), back=100, back_at=NOW)
    found: dict[date, list[tuple[str, int]]] = {}
    for day in (DAY - timedelta(days=number) for number in range(3)):
        wanted = range_of(place.event, day, day, now=NOW)
        orders = moved_orders(place.event, wanted, None).orders
        found[day] = [(entry.kind, entry.amount) for _, entry in movements_of(orders, wanted)]
    assert [len(found[day]) for day in sorted(found)] == [1, 2, 5]
    assert sum(amount for moved in found.values() for _, amount in moved) == 4 * 1899
