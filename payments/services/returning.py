"""The buyer is back from Stripe's page, or staff look again.

Apply what is true now, without waiting for a webhook.
"""

from datetime import datetime
from uuid import UUID

from accounts.services import access
from accounts.types import Capability
from common.audit.services import record
from common.errors import NotFound
from common.types import Actor
from payments import gateway, selectors
from payments.errors import PaymentProviderUnavailable
from payments.models import Order
from payments.services.applying import apply_order


def return_from_checkout(
    order_id: UUID, actor: Actor, *, now: datetime, session_id: str | None = None
) -> Order:
    """Apply what Stripe says of the order now, for its buyer, and return it.

    ``session_id``: what Stripe put into the success page's address. A Stripe that does not answer leaves the
    order as it is: the webhook will tell. Raises ``NotFound``.
    """
    order = selectors.own_order(actor, order_id)
    if order.amount == 0:
        return order
    try:
        return apply_order(order.pk, now=now, seen_session_id=session_id)
    except gateway.GatewayError:
        return order


def read_again(order_id: UUID, actor: Actor, *, now: datetime, reason: str = "") -> Order:
    """Settle a stuck order by reading it again from Stripe, lost sessions included.

    Kept in the audit history.

    Raises ``NotFound``, ``Forbidden``, ``PaymentProviderUnavailable``.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound
    access.require(actor, order.organization_id, Capability.VIEW_ORDERS)
    before = order.status
    try:
        after = apply_order(order_id, now=now, search=True)
    except gateway.GatewayError as error:
        raise PaymentProviderUnavailable("Stripe did not answer; nothing was changed.") from error
    record(
        actor=actor,
        action="payments.read_again",
        subject=after,
        organization_id=after.organization_id,
        reason=reason,
        changes={"status": [before.value, after.status.value]},
        now=now,
    )
    return after
