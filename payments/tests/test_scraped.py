"""What the metrics say of orders."""

from typing import Any

import pytest
from django.db import connection

from payments.models import HOLDING_STATES, Order, OrderState
from payments.scraped import OrderCollector
from payments.tests.factories import Shop, place

pytestmark = pytest.mark.django_db


def told() -> float:
    """Return how many orders are said to wait in quarantine."""
    ((sample,),) = (metric.samples for metric in OrderCollector().collect())
    assert sample.name == "marquee_orders_quarantined"
    return float(sample.value)


def test_quarantined_orders_are_told_until_somebody_closes_them(shop: Shop) -> None:
    """In every state that holds goods; a closed one keeps its reason and waits for nobody. REQ OP-02."""
    place(shop)
    assert told() == 0
    quarantined = place(shop)
    quarantined.quarantine_reason = "amount: 5 USD, not 19.99 USD"
    quarantined.save()
    for state in OrderState:
        Order.objects.filter(pk=quarantined.pk).update(state=state)
        assert told() == (1 if state in HOLDING_STATES else 0), state


def test_only_orders_that_hold_goods_are_read(shop: Shop, django_assert_num_queries: Any) -> None:
    """However many were sold, and however often it is scraped. REQ OP-02."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    collector = OrderCollector()
    with django_assert_num_queries(1) as asked:
        list(collector.collect())
        list(collector.collect())
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + asked.captured_queries[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "order_holds_due" in plan
    assert "order_processing" in plan
