"""No paid order without goods or refund, no money that only one side knows, one purchase for one key."""

from collections.abc import Iterator
from typing import Any

from chaos.proofs.books import Books, Breach, breaches

# What Stripe's payments became of with us; goods of offers and of tickets.
_ORDERS = """
SELECT o.number, p.payment_intent_id, o.state, o.quarantine_reason, o.quantity,
    coalesce(b.sold_units + b.returned_units, s.sold_units + s.returned_units, 0) AS given,
    coalesce(b.sold_units, 0) > 0 AND coalesce(f.status, '') NOT IN ('FULFILLED', 'PENDING_MANUAL') AS is_owed,
    coalesce(s.sold_units, 0) - (SELECT count(*) FROM tickets_ticket t WHERE t.sale_id = s.id AND t.status = 'VALID')
        AS tickets_owed
FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
LEFT JOIN offers_purchase b ON b.order_id = o.id
LEFT JOIN offers_fulfillment f ON f.purchase_id = b.id
LEFT JOIN tickets_ticketsale s ON s.order_id = o.id
WHERE p.payment_intent_id = ANY(%(intents)s)
    OR (o.state = 'paid' AND o.created_at >= %(began)s AND (o.amount = 0 OR o.refunded_amount < o.paid_amount))
"""
_LEDGER = """
SELECT o.number, o.paid_amount, o.refunded_amount, sum(l.amount) FILTER (WHERE l.kind = 'charge'),
    sum(l.amount) FILTER (WHERE l.kind IN ('refund', 'refund_failed'))
FROM payments_order o LEFT JOIN payments_ledgerentry l ON l.order_id = o.id
WHERE o.created_at >= %(began)s GROUP BY o.id
HAVING o.paid_amount <> coalesce(sum(l.amount) FILTER (WHERE l.kind = 'charge'), 0)
    OR o.refunded_amount <> -coalesce(sum(l.amount) FILTER (WHERE l.kind IN ('refund', 'refund_failed')), 0)
"""
# Stripe refused for good: the order is there, and failed. Or nobody heard the answer, and the hold had ended when the
# key was said again: the order is there, and closed.
_MAY_LEAVE_AN_ORDER = frozenset({"payment_provider_unavailable", "checkout_closed"})
_MISSING = """SELECT id FROM unnest(%(ids)s::uuid[]) AS told (id)
    WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.id = told.id)"""


def prove(books: Books) -> Iterator[Breach]:
    """Hold Stripe's own record of payments against the product's orders, goods and ledger."""
    charges = [
        charge for charge in books.stack.stripe(f"charges?created[gte]={int(books.began.timestamp())}")
        if charge["status"] == "succeeded"
    ]  # fmt: skip
    yield from _paid_orders(books, charges)
    yield from _one_book(books, charges)
    yield from _claims(books)
    yield from books.command("payments agree with Stripe", "reconcile_payments", "--dry-run")


def _paid_orders(books: Books, charges: list[dict[str, Any]]) -> Iterator[Breach]:
    kept = {c["payment_intent"]: c for c in charges if c["amount_refunded"] < c["amount"]}
    orders = books.rows(_ORDERS, intents=list(kept))
    yield from breaches("each payment belongs to an order", set(kept) - {row[1] for row in orders})
    without = [
        (number, state, f"{given} of {quantity} units")
        for number, _, state, quarantined, quantity, given, is_owed, tickets_owed in orders
        if state != "paid" or quarantined or given != quantity or is_owed or tickets_owed
    ]
    yield from breaches("no paid order without goods or refund", without)


def _one_book(books: Books, charges: list[dict[str, Any]]) -> Iterator[Breach]:
    yield from books.none_of("each order is the sum of its ledger", _LEDGER)
    query = "SELECT stripe_id, amount FROM payments_ledgerentry WHERE kind = 'charge' AND recorded_at >= %(began)s"
    ours = dict(books.rows(query))
    theirs = {charge["id"]: charge["amount"] for charge in charges}
    yield from breaches(
        "the ledger has each of Stripe's charges, once", set(ours.items()) ^ set(theirs.items())
    )
    returned = f"refunds?created[gte]={int(books.began.timestamp())}"
    refunds = {
        one["id"]: -one["amount"] for one in books.stack.stripe(returned) if one["status"] == "succeeded"
    }
    query = "SELECT stripe_id, amount FROM payments_ledgerentry WHERE kind = 'refund' AND recorded_at >= %(began)s"
    yield from breaches(
        "the ledger has each of Stripe's refunds, once",
        set(dict(books.rows(query)).items()) ^ set(refunds.items()),
    )


def _claims(books: Books) -> Iterator[Breach]:
    """Hold up what buyers and staff were told."""
    for promise, what, name, table in (
        ("an order that was answered is there", "order", "order", "payments_order"),
        ("a refund that was answered is there", "refund", "refund", "payments_refund"),
    ):
        told = books.claims.all(what, name)
        yield from books.none_of(promise, _MISSING.format(table=table), ids=told)
    orders: dict[str, set[str]] = {}
    for claim in books.claims.of("order"):
        orders.setdefault(claim["key"], set()).add(claim["order"])
    yield from breaches("one key, one purchase", [key for key, found in orders.items() if len(found) > 1])
    refused = {one["key"] for one in books.claims.of("refused") if one["code"] not in _MAY_LEAVE_AN_ORDER}
    wishes = len(set(books.claims.all("wish", "key")) - refused)
    # An order that failed before anything was sent gave its key back: that one begins anew, and may be refused then.
    live = "SELECT count(*) FROM payments_order WHERE created_at >= %(began)s AND state <> 'failed'"
    ((made,),) = books.rows(live)
    if made > wishes:
        yield Breach("one key, one purchase", f"{made} orders of {wishes} wishes")
    query = "SELECT number FROM payments_order WHERE quarantine_reason <> '' AND created_at >= %(began)s"
    yield from books.none_of("nothing is quarantined", query)
