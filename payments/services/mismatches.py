"""What must match between Stripe's session and our order before anything is given for it (PA-10)."""

import structlog

from payments.gateway import SessionView
from payments.models import Order, Payment

_log = structlog.stdlib.get_logger(__name__)


def mismatch_of(order: Order, payment: Payment, session: SessionView, *, is_live: bool) -> str:
    """Return why the session is not the one we asked for, or an empty string."""
    if session.livemode != is_live:
        return f"Session {session.id} is of {_mode(session.livemode)} mode, our key of {_mode(is_live)} mode."
    if session.currency != payment.currency:
        return f"Session {session.id} is in {session.currency}, the order in {payment.currency}."
    if session.amount_total != payment.amount:
        amounts = f"{session.amount_total} minor units, the order for {payment.amount}"
        return f"Session {session.id} asks for {amounts}."
    if session.client_reference_id != str(order.pk):
        return f"Session {session.id} names another order."
    if payment.session_id not in {None, session.id}:
        return f"Session {session.id} is not the one of this payment."
    charge = session.intent.charge if session.intent else None
    if charge is not None and (charge.amount, charge.currency) != (payment.amount, payment.currency):
        return f"Charge {charge.id} is of {charge.amount} {charge.currency}, not of what was asked."
    return ""


def quarantine(order: Order, reason: str) -> None:
    """Stop everything that would happen by itself with this order.

    Staff see it and are alerted by the log.
    """
    if not order.quarantine_reason:
        order.quarantine_reason = reason[:300]
        _log.error("order quarantined", order_id=str(order.pk), number=order.number, reason=reason)


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"
