"""A report of 200,000 rows as CSV and Excel: rows a second beside COPY of the same rows, and the memory it took."""

import json
import time
from typing import Any, Final

from benchmarks.world import Row, World, run

ORDERS: Final = 100_000
_ROUNDS: Final = 3
# What an export may grow a process by, in MB.
_MOST_GROWTH: Final = 100
_PREPARE: Final = """
import django; django.setup()
import json
from datetime import timedelta
from uuid import uuid4
from accounts.models import Organization, User
from common import clock
from django.db import connection
from events.models import Event
from payments.models import LedgerEntry, Order, Payment
now = clock.now()
organization = Organization.objects.create(slug="bench-exports", name="Bench")
event = Event.objects.create(organization=organization, slug="bench-exports", title="Bench",
    starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
buyer = User.objects.create(email="exports@bench.test", password="!")
at = now - timedelta(days=2)
order = Order.objects.create(organization=organization, event=event, buyer=buyer, number="B-0", purpose="offer",
    purpose_id=uuid4(), title="T-shirt of the year", quantity=1, unit_amount=1999, amount=1999, paid_amount=1999,
    currency="USD", state="paid", created_at=at, paid_at=at)
payment = Payment.objects.create(order=order, amount=1999, currency="USD", created_at=at, idempotency_key="B-0")
LedgerEntry.objects.create(order=order, payment=payment, kind="charge", amount=1999, currency="USD", stripe_id="B-0",
    occurred_at=at, recorded_at=at)
def multiplied(model, source, **changed):
    names = [field.column for field in model._meta.concrete_fields]
    cells = ", ".join(changed.get(name, f"one.{{name}}") for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {{model._meta.db_table}} ({{', '.join(names)}}) SELECT {{cells}} FROM {{source}}")
earlier = "one.created_at - n * interval '10 seconds'"
multiplied(Order, "payments_order one, generate_series(1, {orders} - 1) n", id="gen_random_uuid()", number="'B-' || n",
    purpose_id="gen_random_uuid()", created_at=earlier, paid_at=earlier)
of_orders = "JOIN payments_order o ON o.number <> 'B-0'"
multiplied(Payment, f"payments_payment one {{of_orders}}", id="gen_random_uuid()", order_id="o.id",
    idempotency_key="o.number")
multiplied(LedgerEntry, "payments_ledgerentry one JOIN payments_payment p ON p.idempotency_key <> 'B-0' "
    "JOIN payments_order o ON o.id = p.order_id", id="gen_random_uuid()", order_id="o.id", payment_id="p.id",
    stripe_id="o.number", occurred_at="o.paid_at")
with connection.cursor() as cursor:
    cursor.execute("VACUUM ANALYZE payments_order, payments_ledgerentry")
print(json.dumps(str(event.pk)))
"""
# In a process of its own: what it grew by is what the export took. One without rows comes first, so that what is
# loaded once is not counted.
_EXPORT: Final = """
import django; django.setup()
import json, resource, sys, time
from datetime import timedelta
from analytics.selectors.ranges import range_of
from analytics.services.exports import export_report
from analytics.types.exports import ReportFormat
from common import clock
from events.models import Event
event, now = Event.objects.select_related("organization").get(pk={event!r}), clock.now()
def export(days):
    report = export_report(event, range_of(event, now.date() - timedelta(days=days), now.date(), now=now),
        ReportFormat({report_format!r}), now=now)
    try:
        return sum(len(chunk) for chunk in report.chunks())
    finally:
        report.close()
export(0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
size = export(300)
print(json.dumps({{"seconds": time.perf_counter() - start, "size": size,
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}}))
"""
_COPY: Final = (
    """COPY (SELECT o.number, o.created_at, o.paid_at, o.purpose, o.title, o.quantity, o.currency, o.unit_amount,
        o.amount, o.refunded_amount, o.state FROM payments_order o JOIN events_event e ON e.id = o.event_id
        WHERE e.slug = 'bench-exports' ORDER BY o.created_at, o.id) TO STDOUT (FORMAT csv)""",
    """COPY (SELECT l.occurred_at, l.kind, o.number, o.purpose, o.title, l.currency, l.amount FROM payments_order o
        JOIN events_event e ON e.id = o.event_id JOIN payments_ledgerentry l ON l.order_id = o.id
        WHERE e.slug = 'bench-exports' ORDER BY o.created_at, o.id) TO STDOUT (FORMAT csv)""",
)


def measure(world: World) -> list[Row]:
    """Return rows a second of both formats beside COPY, and how much memory the limit leaves unused."""
    event = json.loads(
        run("-c", _PREPARE.format(orders=ORDERS), environment=world.environment).splitlines()[-1]
    )
    copied = max(_copy(world) for _ in range(_ROUNDS))
    rows: list[Row] = []
    for report_format in ("csv", "xlsx"):
        told = _export(world, event, report_format)
        what = f"report of {2 * ORDERS:,} rows as {report_format}"
        rows.append(Row(what, 2 * ORDERS / told["seconds"], "COPY TO STDOUT", copied, None))
        rows.append(
            Row(
                f"{what}, memory left",
                _MOST_GROWTH - told["grown"],
                "the limit",
                _MOST_GROWTH,
                0,
                " MB",
            )
        )
    return rows


def _export(world: World, event: str, report_format: str) -> dict[str, Any]:
    script = _EXPORT.format(event=event, report_format=report_format)
    told: dict[str, Any] = json.loads(run("-c", script, environment=world.environment).splitlines()[-1])
    print(
        f"     {report_format}: {told['size']:,} bytes in {told['seconds']:.1f} s, grown by {told['grown']:.1f} MB"
    )
    return told


def _copy(world: World) -> float:
    start, lines = time.perf_counter(), 0
    with world.postgres.connect("marquee") as database, database.cursor() as cursor:
        for statement in _COPY:
            with cursor.copy(statement) as copy:
                lines += sum(bytes(data).count(b"\n") for data in copy)
    if lines != 2 * ORDERS:
        raise RuntimeError(f"{lines} rows instead of {2 * ORDERS}")
    return lines / (time.perf_counter() - start)
