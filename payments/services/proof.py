"""The daily proof: ledger = orders and goods = Stripe, to the cent (PA-12). It repairs nothing, it tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from payments import gateway
from payments.models import (
    DEAD_REFUND_STATUSES,
    PAID_STATES,
    Dispute,
    LedgerEntry,
    LedgerKind,
    Order,
    OrderState,
    Refund,
    RefundStatus,
)
from payments.purposes import purpose_of

_log = structlog.stdlib.get_logger(__name__)

# Stripe's lists are read a little behind, so that what is on its way counts on neither side.
_SETTLING = timedelta(minutes=10)
_LISTING_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Two books that do not agree on one thing; amounts in minor units of the currency named in ``what``."""

    what: str
    subject: str
    ours: int
    theirs: int
    order_id: UUID | None = None


def prove(*, since: datetime, now: datetime) -> list[Difference]:
    """Compare the books over ``[since, now - 10 min)`` and return every difference, none when all agrees.

    Orders against the ledger, goods against orders, the ledger against Stripe's charges and refunds. No
    transaction may be open. Raises the gateway's errors. Every difference is logged as an error.
    """
    until = now - _SETTLING
    differences = [*_ledger_against_orders(since), *_goods_against_orders(since)]
    if since < until:
        with gateway.deadline(_LISTING_SECONDS):
            differences += _charges_against_stripe(since, until)
            differences += _refunds_against_stripe(since, until)
    for one in differences:
        _log.error("books differ", what=one.what, subject=one.subject, ours=one.ours, theirs=one.theirs)
    return differences


def _sum_of(*kinds: LedgerKind) -> Coalesce:
    entries = LedgerEntry.objects.filter(order=OuterRef("pk"), kind__in=kinds).order_by().values("order")
    return Coalesce(Subquery(entries.annotate(total=Sum("amount")).values("total")), Value(0))


def _ledger_against_orders(since: datetime) -> Iterator[Difference]:
    orders = Order.objects.filter(created_at__gte=since).annotate(
        charged=_sum_of(LedgerKind.CHARGE), returned=_sum_of(LedgerKind.REFUND, LedgerKind.REFUND_FAILED)
    )
    off = orders.exclude(charged=F("paid_amount"), returned=Value(0) - F("refunded_amount"))
    for order in off.order_by("created_at"):
        if order.charged != order.paid_amount:
            what = f"charges of the ledger, {order.currency}"
            yield Difference(what, order.number, order.paid_amount, order.charged, order.pk)
        else:
            what = f"refunds of the ledger, {order.currency}"
            yield Difference(what, order.number, order.refunded_amount, -order.returned, order.pk)


def _goods_against_orders(since: datetime) -> Iterator[Difference]:
    """Money kept = goods given: a paid order has its goods sold or returned, an unpaid one kept no money."""
    orders = Order.objects.filter(created_at__gte=since)
    too_much = orders.filter(_keeps_too_much()).union(_moved_since(since).filter(_keeps_too_much()))
    for order in too_much.order_by("created_at"):
        bought = order.amount if order.state == OrderState.PAID else 0
        what = f"money kept for nothing, {order.currency}"
        yield Difference(what, order.number, order.kept.amount, bought, order.pk)
    refunds = Refund.objects.filter(order=OuterRef("pk")).order_by().values("order")
    units = Coalesce(Subquery(refunds.annotate(units=Sum("units_returned")).values("units")), Value(0))
    paid = orders.filter(state=OrderState.PAID).annotate(returned=units)
    for order in paid.order_by("created_at").iterator(chunk_size=500):
        given = purpose_of(order).units_sold(order) + order.returned
        if given != order.quantity:
            yield Difference("units sold or returned", order.number, order.quantity, given, order.pk)


def _keeps_too_much() -> Q:
    """Say of an order whether more is kept than its goods cost, none of it on its way back or with a bank."""
    kept = F("paid_amount") - F("refunded_amount") - F("lost_amount")
    going = F("refund_pending_amount")
    unpaid = ~Q(state__in=PAID_STATES) & Q(paid_amount__gt=F("refunded_amount") + F("lost_amount"))
    late = Q(state=OrderState.LATE_PAID, is_disputed=False) & GreaterThan(kept, going)
    twice = Q(state=OrderState.PAID, is_disputed=False) & GreaterThan(kept, F("amount") + going)
    return unpaid | late | twice


def _moved_since(since: datetime) -> QuerySet[Order]:
    """Return the orders, however old, of which a refund failed or a dispute moved since then."""
    failed = Refund.objects.filter(status__in=DEAD_REFUND_STATUSES, settled_at__gte=since)
    disputed = Dispute.objects.filter(updated_at__gte=since)
    return Order.objects.filter(Q(pk__in=failed.values("order")) | Q(pk__in=disputed.values("order")))


def _charges_against_stripe(since: datetime, until: datetime) -> Iterator[Difference]:
    theirs = {charge.id: charge.amount for charge, _ in gateway.charges_created(since=since, until=until)}
    entries = LedgerEntry.objects.filter(kind=LedgerKind.CHARGE)
    yield from _compare("charge", entries, theirs, since, until)


def _refunds_against_stripe(since: datetime, until: datetime) -> Iterator[Difference]:
    listed = gateway.refunds_created(since=since, until=until)
    theirs = {refund.id: -refund.amount for refund in listed if refund.status == "succeeded"}
    succeeded = Refund.objects.filter(status=RefundStatus.SUCCEEDED).values("stripe_refund_id")
    entries = LedgerEntry.objects.filter(kind=LedgerKind.REFUND, stripe_id__in=succeeded)
    yield from _compare("refund", entries, theirs, since, until)


def _compare(
    what: str, entries: QuerySet[LedgerEntry], theirs: dict[str, int], since: datetime, until: datetime
) -> Iterator[Difference]:
    """Compare amounts by Stripe's id; Stripe tells times in whole seconds."""
    window = {"occurred_at__gte": since.replace(microsecond=0), "occurred_at__lt": until}
    ours = dict(entries.filter(**window).values_list("stripe_id", "amount"))
    elsewhere = set(entries.filter(stripe_id__in=theirs).values_list("stripe_id", flat=True))
    for stripe_id, amount in theirs.items():
        if stripe_id not in ours and stripe_id not in elsewhere:
            yield Difference(f"{what} at Stripe only", stripe_id, 0, amount)
    for stripe_id, amount in ours.items():
        if theirs.get(stripe_id) != amount:
            yield Difference(f"{what} differs", stripe_id, amount, theirs.get(stripe_id, 0))
