"""The one way in which what Stripe says becomes what we know (DESIGN: ``apply_session``).

The webhook, the return page, the sweeper, the reconciliation and the admin all end here. Stripe is read
with no transaction open; then one transaction decides under the locks of goods, order and payments. An
answer that was read before another one was applied is read again, so nothing older ever overwrites
something newer.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from common.db import retrying
from common.errors import Busy, NotFound
from common.requests import continuing
from payments import gateway
from payments.models import HOLDING_STATES, Order, OrderState, Payment
from payments.services import checkout, disputing, refund_records, settling, standing
from payments.services.closing import locked_order, release
from payments.services.following import goods_follow
from payments.services.mismatches import mismatch_of, quarantine
from payments.services.reading import OrderSnapshot, PaymentSnapshot, read_order

_READINGS = 5
# The PaymentIntent of a session that was completed with a delayed method, and failed in the end.
_FAILED_INTENT = frozenset({"requires_payment_method", "canceled"})


class _Outdated(Exception):
    """Somebody applied a newer answer meanwhile."""


def apply_order(
    order_id: UUID, *, now: datetime, seen_session_id: str | None = None, search: bool = False
) -> Order:
    """Read everything of the order from Stripe, apply it and return the order. Repeating it changes nothing.

    No transaction may be open. ``search``: look also for sessions whose creation nobody saw end. Raises
    ``NotFound``, the gateway's errors, and ``Busy`` when others keep applying newer answers.
    """
    for _ in range(_READINGS):
        try:
            snapshot = read_order(order_id, seen_session_id=seen_session_id, search=search, now=now)
            return apply_snapshot(snapshot, now=now)
        except _Outdated:
            continue
        except Order.DoesNotExist as error:
            raise NotFound("There is no such order") from error
    raise Busy


@retrying
def apply_snapshot(snapshot: OrderSnapshot, *, now: datetime) -> Order:
    """Apply one reading in one transaction; raises ``_Outdated`` when a newer one was applied before."""
    sessions = [seen.session for seen in snapshot.payments]
    ids = {"order_id": snapshot.order_id, "checkout_session_id": " ".join(one.id for one in sessions)}
    began = next((one.metadata.get("request_id", "") for one in sessions), "")
    with continuing(began, **ids), locked_order(snapshot.order_id) as order:
        if order.version != snapshot.version:
            raise _Outdated
        order.version += 1
        before = order.status
        payments = {payment.pk: payment for payment in order.payments.select_for_update().order_by("pk")}
        with goods_follow(order, now=now):
            _apply_payments(order, payments, snapshot, now)
        _conclude(order, payments, snapshot, now)
        order.save()
        standing.announce(order, before=before, now=now)
        return order


def _apply_payments(
    order: Order, payments: Mapping[UUID, Payment], snapshot: OrderSnapshot, now: datetime
) -> None:
    for seen in sorted(snapshot.payments, key=lambda one: payments[one.payment_id].attempt):
        payment = payments[seen.payment_id]
        reason = mismatch_of(order, payment, seen.session, is_live=gateway.is_live())
        if reason:
            quarantine(order, reason)
        settling.remember_session(payment, seen.session)
        if seen.session.intent is not None and seen.session.intent.charge is not None:
            charge = seen.session.intent.charge
            settling.record_charge(order, payment, charge, now=now)
            disputing.record_disputes(order, payment, seen.disputes, now=now)
            refund_records.record_refunds(order, payment, seen.refunds, now=now)
            if seen.session.is_paid and not order.is_quarantined:
                settling.settle(order, payment, seen.refunds, paid_at=charge.occurred_at, now=now)
    if not order.is_quarantined:
        settling.return_what_bought_nothing(order, now=now)


def _conclude(order: Order, payments: Mapping[UUID, Payment], snapshot: OrderSnapshot, now: datetime) -> None:
    """Move an order that is not paid yet to where its sessions, all together, say it stands."""
    if order.is_quarantined:
        return
    if order.state not in HOLDING_STATES:
        _close_what_is_left_open(order, snapshot, now)
        return
    if any(_is_processing(seen) for seen in snapshot.payments):
        order.state = OrderState.PROCESSING
    elif any(seen.session.status == "open" for seen in snapshot.payments):
        if order.state in {OrderState.RESERVED, OrderState.SESSION_PENDING}:
            order.state = OrderState.OPEN
    elif (snapshot.payments or order.state == OrderState.EXPIRING) and _nothing_is_pending(
        payments, snapshot
    ):
        # Without any session the end of the hold must have come: a creation may be under way before it.
        failed = any(seen.session.status == "complete" for seen in snapshot.payments)
        release(order, _closed_state(order, failed=failed), now=now)


def _nothing_is_pending(payments: Mapping[UUID, Payment], snapshot: OrderSnapshot) -> bool:
    """Say whether every way of paying is known to be shut.

    Its session ended, was never made or never asked for.
    """
    known = {seen.payment_id for seen in snapshot.payments} | snapshot.without_session
    return all(payment.pk in known or not payment.sends for payment in payments.values())


def _is_processing(seen: PaymentSnapshot) -> bool:
    if seen.session.status != "complete" or seen.session.is_paid:
        return False
    return seen.session.intent is None or seen.session.intent.status not in _FAILED_INTENT


def _closed_state(order: Order, *, failed: bool) -> OrderState:
    if failed:
        return OrderState.FAILED
    return OrderState.CANCELLED if order.cancel_requested_at else OrderState.EXPIRED


def _close_what_is_left_open(order: Order, snapshot: OrderSnapshot, now: datetime) -> None:
    """An order that is paid or closed leaves no page open on which it could be paid (again)."""
    for seen in snapshot.payments:
        if seen.session.status == "open":
            checkout.close_session_later(order, seen.session.id, now=now)
