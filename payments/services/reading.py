"""Reading everything that Stripe knows of an order. No transaction may be open, and nothing is written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from payments import gateway
from payments.gateway import DisputeView, RefundView, SessionView
from payments.models import Order, Payment

# Our clock against Stripe's.
_SKEW = timedelta(minutes=5)
# No session of an order is made after its hold, so an old order's are not looked for in months of others.
_OPENED_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PaymentSnapshot:
    """What Stripe said of one payment: its session, with charge and fee, its refunds and disputes."""

    payment_id: UUID
    session: SessionView
    refunds: tuple[RefundView, ...] = ()
    disputes: tuple[DisputeView, ...] = ()

    @property
    def intent_id(self) -> str | None:
        """The PaymentIntent's id, once somebody tried to pay."""
        return self.session.payment_intent_id


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """What Stripe said of an order, and the version of the order before it was asked."""

    order_id: UUID
    version: int
    payments: tuple[PaymentSnapshot, ...]
    # Payments whose session was looked for and does not exist at Stripe.
    without_session: frozenset[UUID] = frozenset()


def read_order(
    order_id: UUID, *, seen_session_id: str | None = None, search: bool, now: datetime
) -> OrderSnapshot:
    """Read the order's sessions, charges, fees, refunds and disputes from Stripe.

    ``seen_session_id`` is a session that somebody saw before we stored it (a webhook, the return page).
    ``search`` looks through Stripe's list for sessions of which we have no id. Raises ``Order.DoesNotExist``
    and the gateway's errors.
    """
    # The version is read before Stripe is asked, so that an answer older than what was applied is recognised.
    order = Order.objects.get(pk=order_id)
    payments = [payment for payment in Payment.objects.filter(order_id=order_id) if not payment.is_free]
    unknown = [payment for payment in payments if payment.session_id is None and payment.sends]
    sessions = {payment.pk: _session(payment.session_id) for payment in payments if payment.session_id}
    if unknown and seen_session_id and seen_session_id not in {p.session_id for p in payments}:
        _assign(sessions, unknown, _session(seen_session_id))
    unknown = [payment for payment in unknown if payment.pk not in sessions]
    if unknown and search:
        for session in find_sessions(order, now=now):
            _assign(sessions, unknown, _session(session.id))
    without = {payment.pk for payment in unknown if payment.pk not in sessions} if search else set()
    snapshots = tuple(_snapshot(payment_id, session) for payment_id, session in sessions.items())
    return OrderSnapshot(order.pk, order.version, snapshots, frozenset(without))


def find_sessions(order: Order, *, now: datetime) -> list[SessionView]:
    """Look through Stripe's list for the sessions of an order.

    Search lags, and ids may be lost, lists do not lie.
    """
    since = order.created_at - _SKEW
    until = min(now, order.created_at + _OPENED_WITHIN) + _SKEW
    wanted = str(order.pk)
    listed = gateway.sessions_created(since=since, until=until)
    return [session for session in listed if session.client_reference_id == wanted]


def payment_named_by(session: SessionView) -> str:
    """Return the id of the payment that the session was made for, as its metadata says."""
    return session.metadata.get("payment_id", "")


def _assign(sessions: dict[UUID, SessionView], payments: list[Payment], session: SessionView) -> None:
    for payment in payments:
        if payment_named_by(session) == str(payment.pk):
            sessions[payment.pk] = session


def _session(session_id: str) -> SessionView:
    return gateway.retrieve_session(session_id)


def _snapshot(payment_id: UUID, session: SessionView) -> PaymentSnapshot:
    intent_id = session.payment_intent_id
    if intent_id is None or session.intent is None or session.intent.charge is None:
        return PaymentSnapshot(payment_id, session)
    return PaymentSnapshot(
        payment_id,
        session,
        refunds=tuple(gateway.refunds_of(intent_id)),
        disputes=tuple(gateway.disputes_of(intent_id)),
    )
