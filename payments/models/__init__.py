"""The tables of money. Only ``payments.services`` writes them."""

from payments.models.ledger import (
    DEAD_REFUND_STATUSES,
    LIVE_REFUND_STATUSES,
    UNDER_WAY_STATUSES,
    Dispute,
    LedgerEntry,
    LedgerKind,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.models.operations import OperationState, OrderEvent, StripeOperation
from payments.models.orders import HOLDING_STATES, PAID_STATES, TIMED_STATES, Order, OrderState, OrderStatus
from payments.models.payments import Payment, PaymentStatus

__all__ = [
    "DEAD_REFUND_STATUSES",
    "HOLDING_STATES",
    "LIVE_REFUND_STATUSES",
    "PAID_STATES",
    "TIMED_STATES",
    "UNDER_WAY_STATUSES",
    "Dispute",
    "LedgerEntry",
    "LedgerKind",
    "OperationState",
    "Order",
    "OrderEvent",
    "OrderState",
    "OrderStatus",
    "Payment",
    "PaymentStatus",
    "Refund",
    "RefundOrigin",
    "RefundStatus",
    "StripeOperation",
]
