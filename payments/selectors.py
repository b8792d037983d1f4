"""Reads over orders: whose they are, and everything that a page about them needs."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.services import access
from accounts.types import Capability
from common.errors import Failure, NotFound, Unauthenticated
from common.types import Actor
from payments.models import Order, Payment, Refund
from payments.purposes import ItemDescription, registered
from payments.services.numbers import normal_number


def order_for(actor: Actor, order_id: UUID) -> Order:
    """Return an order with its payments and refunds, to its buyer or to a member who may view orders.

    Raises ``Unauthenticated`` when nobody is signed in, else ``NotFound`` for everybody else, and
    ``Forbidden`` for members without the role. Three queries for the buyer.
    """
    return _shown(actor, with_details(Order.objects.filter(pk=order_id)).first())


def order_by_number(actor: Actor, number: str) -> Order:
    """Return an order by its number, however it was typed; otherwise as ``order_for``."""
    return _shown(actor, with_details(Order.objects.filter(number=normal_number(number[:40]))).first())


def orders_by_id(actor: Actor, order_ids: Collection[UUID]) -> tuple[list[Order], dict[UUID, Failure]]:
    """Return the orders that ``order_for`` would return, with their payments and refunds, and why it would refuse
    others; those that are not there are in neither. Five queries. Raises ``Unauthenticated``.
    """
    if not actor.is_authenticated and not actor.is_system:
        raise Unauthenticated
    rows = Order.objects.filter(pk__in=order_ids).values_list("pk", "buyer_id", "organization_id")
    of_others = {order: owner for order, buyer, owner in rows if buyer != actor.user_id}
    refusing = access.refusals(actor, set(of_others.values()), Capability.VIEW_ORDERS)
    refused = {order: refusing[owner] for order, owner in of_others.items() if owner in refusing}
    return list(with_details(Order.objects.filter(pk__in=set(order_ids) - refused.keys()))), refused


def own_order(actor: Actor, order_id: UUID) -> Order:
    """Return an order to its buyer alone; ``NotFound`` for everybody else."""
    if not actor.is_authenticated:
        raise Unauthenticated
    order = Order.objects.filter(pk=order_id, buyer_id=actor.user_id).first()
    if order is None:
        raise NotFound
    return order


def with_details(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Read the payments and refunds along with the orders, so that describing them queries no more."""
    return orders.select_related("buyer", "event", "organization").prefetch_related(
        Prefetch("payments", queryset=Payment.objects.order_by("attempt")),
        Prefetch("refunds", queryset=Refund.objects.order_by("created_at", "id")),
    )


def items_of(orders: Sequence[Order]) -> dict[UUID, list[ItemDescription]]:
    """Describe the goods of many orders, by order id, in a fixed number of queries for each purpose."""
    described: dict[UUID, list[ItemDescription]] = {}
    for name, purpose in registered().items():
        ours = [order for order in orders if order.purpose == name]
        if ours:
            described |= purpose.describe(ours)
    return described


def shown_payment(order: Order) -> Payment | None:
    """Return the payment that people mean: the one that was paid, else the latest.

    Uses what was prefetched.
    """
    payments = list(order.payments.all())
    paid = [payment for payment in payments if payment.paid_amount or payment.is_free]
    return next(iter(paid or payments[::-1]), None)


def _shown(actor: Actor, order: Order | None) -> Order:
    if not actor.is_authenticated and not actor.is_system:
        raise Unauthenticated
    if order is None:
        raise NotFound
    if order.buyer_id != actor.user_id:
        access.require(actor, order.organization_id, Capability.VIEW_ORDERS)
    return order
