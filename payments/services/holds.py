"""The end of a hold.

Stripe's session is closed first, then the goods are released; a payment wins over the timer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.services import access
from accounts.types import Capability
from common.audit.services import record
from common.db import retrying
from common.errors import NotFound
from common.outbox import NewJob, enqueue_many, reschedule
from common.types import Actor
from payments import gateway, selectors
from payments.errors import NotCancellable
from payments.models import HOLDING_STATES, TIMED_STATES, Order, OrderState, Payment
from payments.services import standing
from payments.services.applying import apply_order
from payments.services.closing import locked_order, release
from payments.services.mismatches import quarantine
from payments.services.orders import EXPIRE_HOLD, hold_job_key
from payments.services.reading import find_sessions, payment_named_by

BATCH = 200
# Younger ones are the job's; the sweep is the net under it.
_GRACE = timedelta(seconds=60)
LOOK_AGAIN = "payments.look_again"
# More than Stripe answers within minutes are not asked for in one hour.
_PROCESSING_AT_ONCE = 1_000


def expire_hold(order_id: UUID, *, now: datetime) -> Order:
    """End an order's hold if its time is over.

    Close its session at Stripe, then release, or settle what was paid.

    No transaction may be open. Raises ``NotFound`` and the gateway's errors: then the goods stay held and
    the order stays ``expiring``; calling again goes on. Never released on the timer alone.
    """
    if not _claim(Q(pk=order_id, hold_expires_at__lte=now)):
        return _order(order_id)
    return _close_and_apply(order_id, now=now)


def cancel_order(order_id: UUID, actor: Actor, *, now: datetime) -> Order:
    """Let the buyer give up an order that is not paid: its page is closed, its goods are released.

    A payment that was faster wins: the order is settled instead, and ``NotCancellable`` says so. When
    Stripe does not answer the order is left closing; a job goes on with it. Raises ``NotFound``,
    ``NotCancellable``.
    """
    order = selectors.own_order(actor, order_id)
    with transaction.atomic():
        if not _claim(Q(pk=order.pk), cancel_requested_at=now, hold_expires_at=now):
            raise NotCancellable(f"The order is {order.status.replace('_', ' ').lower()}.")
        if not reschedule(hold_job_key(order), run_at=now):
            _have_it_expired([order], now=now)
    try:
        order = _close_and_apply(order.pk, now=now)
    except gateway.GatewayError:
        return _order(order.pk)
    if order.paid_at is not None or order.state == OrderState.PROCESSING:
        raise NotCancellable("The payment was faster.")
    return order


@transaction.atomic
def sweep_due(*, now: datetime, batch: int = BATCH) -> int:
    """Enqueue the end of holds that should have ended and did not; returns how many orders were looked at.

    Safe while another sweep runs (``skip_locked``), and while the job is at work (one job an order).
    """
    due = Order.objects.filter(
        state__in=TIMED_STATES, hold_expires_at__lte=now - _GRACE, quarantine_reason=""
    )
    orders = list(
        due.order_by("hold_expires_at", "pk").select_for_update(skip_locked=True, of=("self",))[:batch]
    )
    _have_it_expired(orders, now=now)
    return len(orders)


@transaction.atomic
def sweep_processing(*, now: datetime) -> int:
    """Enqueue another look at orders whose delayed payment is still under way; returns how many those are.

    Their goods are held until Stripe has the last word, days later. Where that webhook is lost for good nothing else
    would ask again: reconciliation lists the sessions of two days.
    """
    waiting = Order.objects.filter(
        state=OrderState.PROCESSING, hold_expires_at__lte=now, quarantine_reason=""
    )
    # Where there are more than one round looks at, none waits behind the same others each time.
    orders = list(waiting.order_by("?")[:_PROCESSING_AT_ONCE])
    jobs = [
        NewJob(
            LOOK_AGAIN,
            {"order_id": order.pk},
            dedupe_key=f"look-again:{order.pk}",
            organization_id=order.organization_id,
        )
        for order in orders
    ]
    if jobs:
        enqueue_many(jobs, now=now)
    return len(jobs)


def close_session(session_id: str) -> None:
    """Close a session at Stripe that nobody shall pay; one that is closed already is fine.

    Raises the gateway's.
    """
    try:
        gateway.expire_session(session_id)
    except gateway.Refused:
        # Not open any more: paid or expired, which its own event tells.
        return


def _claim(condition: Q, **also: datetime) -> bool:
    """Begin the end.

    From here on nobody is told where to pay, and the state survives whatever happens next.
    """
    begun = Order.objects.filter(condition, state__in=TIMED_STATES, quarantine_reason="")
    return bool(begun.update(state=OrderState.EXPIRING, **also))


def _close_and_apply(order_id: UUID, *, now: datetime) -> Order:
    order = _order(order_id)
    try:
        for session_id in _open_sessions(order, now=now):
            close_session(session_id)
        return apply_order(order_id, now=now, search=True)
    except gateway.NotThere as error:
        # Made under another key or account: whether it can still be paid, we cannot know.
        with locked_order(order_id) as locked:
            quarantine(locked, f"Stripe does not know a session of ours: {error.message}")
            locked.save(update_fields=["quarantine_reason"])
            return locked


@retrying
def close_quarantined(order_id: UUID, actor: Actor, *, reason: str, now: datetime) -> Order:
    """Release the goods of a quarantined order that staff looked into; the reason of its quarantine stays.

    What was paid is refunded apart from this. Raises ``NotFound``, ``Forbidden``, ``NotCancellable``.
    """
    access.require(actor, _order(order_id).organization_id, Capability.REFUND)
    with locked_order(order_id) as order:
        if not order.is_quarantined or order.state not in HOLDING_STATES:
            raise NotCancellable("Only a quarantined order that still holds goods is closed by hand.")
        before = order.status
        release(order, OrderState.FAILED, now=now)
        standing.announce(order, before=before, now=now)
        record(
            actor=actor,
            action="payments.close_quarantined",
            subject=order,
            organization_id=order.organization_id,
            reason=reason,
            changes={"status": [before.value, order.status.value]},
            now=now,
        )
        return order


def _open_sessions(order: Order, *, now: datetime) -> list[str]:
    """Return the sessions to close: those we know, and those made by a sending whose end nobody saw."""
    payments = list(Payment.objects.filter(order=order))
    known = [payment.session_id for payment in payments if payment.session_id]
    if all(payment.session_id or not payment.sends for payment in payments):
        return known
    ours = {str(payment.pk) for payment in payments}
    found = find_sessions(order, now=now)
    return known + [
        one.id
        for one in found
        if one.id not in known and one.status == "open" and payment_named_by(one) in ours
    ]


def _have_it_expired(orders: list[Order], *, now: datetime) -> None:
    jobs = [
        NewJob(
            EXPIRE_HOLD,
            {"order_id": order.pk},
            dedupe_key=hold_job_key(order),
            organization_id=order.organization_id,
        )
        for order in orders
    ]
    if jobs:
        enqueue_many(jobs, now=now)


def _order(order_id: UUID) -> Order:
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound("There is no such order")
    return order
