"""Comparing our books with Stripe's, and repairing what lost webhooks left.

Repairing is ``apply_order``, as ever.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import QuerySet

from common.errors import Failure
from payments import gateway
from payments.gateway import DisputeView, RefundView, SessionView
from payments.models import (
    HOLDING_STATES,
    UNDER_WAY_STATUSES,
    Dispute,
    LedgerEntry,
    LedgerKind,
    Order,
    OrderState,
    Payment,
    Refund,
)
from payments.services.applying import apply_order
from payments.services.disputing import OVER
from payments.services.holds import expire_hold

# A listing of a long time takes longer than one call may.
_LISTING_SECONDS = 300.0
# Younger orders are still on their way.
_SETTLING = timedelta(minutes=2)


class Drift(Enum):
    """What can be off."""

    PAID_UNKNOWN = "paid at Stripe, not with us"
    ENDED_UNKNOWN = "ended at Stripe, open with us"
    PROCESSING_UNKNOWN = "being paid at Stripe, not with us"
    SESSION_UNKNOWN = "session at Stripe that we do not know"
    ORDER_UNKNOWN = "names an order that is not there"
    REFUND_UNKNOWN = "refunded at Stripe, not with us"
    DISPUTE_UNKNOWN = "disputed at Stripe, not with us"
    HOLD_OVERDUE = "hold is over, goods still held"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: which order (or what Stripe has instead), what is off, and what became of it."""

    order_id: UUID | None
    subject: str
    drift: Drift
    outcome: str = ""


def reconcile(*, since: datetime, now: datetime, dry_run: bool) -> list[Finding]:
    """Compare every session, refund and dispute of ``[since, now)`` at Stripe, and what is open with us, however old.

    Open are overdue holds, disputes that stand and refunds that are under way: they may end weeks later.

    Each order that differs is read again and applied, unless ``dry_run``. Safe while webhooks are worked:
    what was repaired meanwhile is found in order. Raises the gateway's errors when Stripe cannot be listed;
    an order that cannot be repaired now is told in its finding.
    """
    with gateway.deadline(_LISTING_SECONDS):
        found = [*_sessions_off(since, now), *_refunds_off(since, now), *_disputes_off(since, now)]
    found += [*_open_ones_off(since), *_holds_off(now)]
    return [finding if dry_run else _repaired(finding, now) for finding in _once(found)]


def _once(findings: list[Finding]) -> list[Finding]:
    """Keep the first finding of each order: repairing it repairs the rest."""
    first: dict[object, Finding] = {}
    for finding in findings:
        first.setdefault(finding.order_id or finding.subject, finding)
    return list(first.values())


def _repaired(finding: Finding, now: datetime) -> Finding:
    if finding.outcome:
        return finding
    if finding.order_id is None:
        return Finding(None, finding.subject, finding.drift, "cannot be repaired: look at it in Stripe")
    try:
        if finding.drift is Drift.HOLD_OVERDUE:
            order = expire_hold(finding.order_id, now=now)
        else:
            seen = finding.subject if finding.subject.startswith("cs_") else None
            order = apply_order(finding.order_id, now=now, seen_session_id=seen, search=True)
    except gateway.GatewayError as error:
        return Finding(finding.order_id, finding.subject, finding.drift, f"not repaired: {error.message}")
    except Failure as error:
        # Busy, mostly: others are at this order, and the rest must not wait for tomorrow because of it.
        return Finding(finding.order_id, finding.subject, finding.drift, f"not repaired: {error.detail}")
    return Finding(finding.order_id, finding.subject, finding.drift, f"now {order.status}")


def _sessions_off(since: datetime, now: datetime) -> Iterator[Finding]:
    sessions = [one for one in gateway.sessions_created(since=since, until=now) if "order_id" in one.metadata]
    named = {one.metadata["order_id"] for one in sessions}
    orders = {str(order.pk): order for order in Order.objects.filter(pk__in=_uuids(named))}
    known = set(
        Payment.objects.filter(session_id__in=[one.id for one in sessions]).values_list(
            "session_id", flat=True
        )
    )
    for session in sessions:
        order = orders.get(session.metadata["order_id"])
        if order is None:
            yield Finding(None, session.id, Drift.ORDER_UNKNOWN)
            continue
        drift = _drift_of(session, order, is_known=session.id in known, now=now)
        if drift is not None:
            yield Finding(order.pk, session.id, drift)


def _drift_of(session: SessionView, order: Order, *, is_known: bool, now: datetime) -> Drift | None:
    if order.is_quarantined:
        return None
    if session.is_paid:
        return Drift.PAID_UNKNOWN if order.paid_at is None else None
    is_held = order.state in HOLDING_STATES
    if session.status == "complete" and is_held and order.state != OrderState.PROCESSING:
        return Drift.PROCESSING_UNKNOWN
    if session.status == "complete" and session.intent is not None:
        has_failed = session.intent.status in {"requires_payment_method", "canceled"}
        return Drift.ENDED_UNKNOWN if is_held and has_failed else None
    if session.status == "expired":
        return Drift.ENDED_UNKNOWN if is_held and is_known else None
    is_young = now - session.created_at < _SETTLING
    return None if is_known or is_young else Drift.SESSION_UNKNOWN


def _refunds_off(since: datetime, now: datetime) -> Iterator[Finding]:
    refunds = list(gateway.refunds_created(since=since, until=now))
    orders = _orders_of(refund.payment_intent_id for refund in refunds)
    ids = [refund.id for refund in refunds]
    rows = Refund.objects.filter(stripe_refund_id__in=ids).values_list("stripe_refund_id", "status")
    known = dict(rows)
    for refund in refunds:
        order_id = orders.get(refund.payment_intent_id)
        if order_id is not None and known.get(refund.id) != refund.status:
            yield Finding(order_id, refund.id, Drift.REFUND_UNKNOWN)


def _disputes_off(since: datetime, now: datetime) -> Iterator[Finding]:
    disputes = list(gateway.disputes_created(since=since, until=now))
    orders = _orders_of(dispute.payment_intent_id for dispute in disputes)
    moved = [movement.id for dispute in disputes for movement in dispute.movements]
    kinds = (LedgerKind.DISPUTE_WITHDRAWN, LedgerKind.DISPUTE_REINSTATED)
    entered = set(
        LedgerEntry.objects.filter(kind__in=kinds, stripe_id__in=moved).values_list("stripe_id", flat=True)
    )
    ids = [dispute.id for dispute in disputes]
    recorded = set(
        Dispute.objects.filter(stripe_dispute_id__in=ids).values_list("stripe_dispute_id", "status")
    )
    for dispute in disputes:
        order_id = orders.get(dispute.payment_intent_id)
        is_entered = {movement.id for movement in dispute.movements} <= entered
        if order_id is not None and not ((dispute.id, dispute.status) in recorded and is_entered):
            yield Finding(order_id, dispute.id, Drift.DISPUTE_UNKNOWN)


def _open_ones_off(since: datetime) -> Iterator[Finding]:
    """Ask after what began before ``since`` and has not ended with us; of each its payment is looked at."""
    for order in (
        Order.objects.filter(is_disputed=True).exclude(disputes__in=_standing()).order_by("created_at")
    ):
        yield Finding(order.pk, order.number, Drift.DISPUTE_UNKNOWN)
    disputed = _standing().filter(opened_at__lt=since)
    for intent_id, disputes in _by_intent(disputed, "stripe_dispute_id"):
        yield from _moved(intent_id, disputes, gateway.disputes_of, Drift.DISPUTE_UNKNOWN)
    going = Refund.objects.filter(status__in=UNDER_WAY_STATUSES, created_at__lt=since)
    for intent_id, refunds in _by_intent(going.exclude(stripe_refund_id=None), "stripe_refund_id"):
        yield from _moved(intent_id, refunds, gateway.refunds_of, Drift.REFUND_UNKNOWN)


def _moved(
    intent_id: str,
    ours: dict[str, tuple[UUID, str]],
    look: Callable[[str], Sequence[DisputeView | RefundView]],
    drift: Drift,
) -> Iterator[Finding]:
    """Yield what stands otherwise at Stripe. One payment that cannot be looked at keeps nobody from the others."""
    try:
        seen = look(intent_id)
    except gateway.GatewayError as error:
        order_id = next(iter(ours.values()))[0]
        yield Finding(order_id, intent_id, drift, f"not looked at: {error.message}")
        return
    for view in seen:
        if view.id in ours and ours[view.id][1] != view.status:
            yield Finding(ours[view.id][0], view.id, drift)


def _standing() -> QuerySet[Dispute]:
    return Dispute.objects.exclude(status__in=OVER)


def _by_intent(
    rows: QuerySet[Dispute] | QuerySet[Refund], stripe_id: str
) -> Iterator[tuple[str, dict[str, tuple[UUID, str]]]]:
    """Yield the order and status of rows by their id at Stripe, those of a payment together."""
    listed = rows.order_by("payment__payment_intent_id").values_list(
        "payment__payment_intent_id", stripe_id, "order_id", "status"
    )
    for intent_id, those in groupby(listed, key=itemgetter(0)):
        yield intent_id, {found: (order_id, status) for _, found, order_id, status in those}


def _holds_off(now: datetime) -> Iterator[Finding]:
    overdue = Order.objects.filter(
        state__in=HOLDING_STATES, hold_expires_at__lte=now - _SETTLING, quarantine_reason=""
    ).exclude(state=OrderState.PROCESSING)
    for order in overdue.order_by("hold_expires_at"):
        yield Finding(order.pk, order.number, Drift.HOLD_OVERDUE)


def _orders_of(intent_ids: Iterator[str]) -> dict[str, UUID]:
    rows = Payment.objects.filter(payment_intent_id__in=set(intent_ids)).values_list(
        "payment_intent_id", "order_id"
    )
    return {intent_id: order_id for intent_id, order_id in rows if intent_id is not None}


def _uuids(texts: set[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
