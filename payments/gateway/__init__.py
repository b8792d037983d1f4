"""The one door to Stripe: calls, errors and values of our own. Nothing else imports the library."""

from payments.gateway.calls import breaker, is_live
from payments.gateway.errors import GatewayError, NotThere, Refused, RefusedRetryable, Unknown
from payments.gateway.operations import (
    charges_created,
    create_price,
    create_product,
    create_refund,
    create_session,
    disputes_created,
    disputes_of,
    expire_session,
    refunds_created,
    refunds_of,
    retrieve_intent,
    retrieve_session,
    sessions_created,
)
from payments.gateway.transport import deadline
from payments.gateway.views import (
    ChargeView,
    DisputeMovement,
    DisputeView,
    IntentView,
    RefundView,
    SessionView,
)

__all__ = [
    "ChargeView",
    "DisputeMovement",
    "DisputeView",
    "GatewayError",
    "IntentView",
    "NotThere",
    "RefundView",
    "Refused",
    "RefusedRetryable",
    "SessionView",
    "Unknown",
    "breaker",
    "charges_created",
    "create_price",
    "create_product",
    "create_refund",
    "create_session",
    "deadline",
    "disputes_created",
    "disputes_of",
    "expire_session",
    "is_live",
    "refunds_created",
    "refunds_of",
    "retrieve_intent",
    "retrieve_session",
    "sessions_created",
]
