"""Orders and refunds in GraphQL: the same services and the same values as REST."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import graphene
from graphene.types.generic import GenericScalar

from accounts.models import User
from common import clock
from common.errors import Unauthenticated
from common.graphql import Entity, Wanted, an_id
from common.graphql.types import MoneyType
from payments import selectors
from payments.answers import SHOWN_REFUND_STATUSES, order_answer, order_answers
from payments.models import OrderStatus, PaymentStatus
from payments.services.once import refund_once
from payments.types import PurchaseAnswer, RequestRefund

OrderStatusEnum = graphene.Enum("OrderStatusEnum", [(value, value) for value in OrderStatus.values])
PaymentStatusEnum = graphene.Enum("PaymentStatusEnum", [(value, value) for value in PaymentStatus.values])
PurchaseOrderStatusEnum = graphene.Enum(
    "PurchaseOrderStatusEnum", [(value, value) for value in OrderStatus.values]
)
RefundStatusEnum = graphene.Enum("RefundStatusEnum", [(value, value) for value in SHOWN_REFUND_STATUSES])


class RefundType(graphene.ObjectType):
    """Money that goes, or went, back."""

    id = graphene.ID(required=True)
    order_id = graphene.ID(required=True)
    status = graphene.Field(RefundStatusEnum, required=True)
    amount = graphene.Field(MoneyType, required=True)
    reason = graphene.String(required=True)
    restock_units = graphene.Int(required=True)
    created_at = graphene.DateTime(required=True)

    @staticmethod
    def resolve_created_at(refund: dict[str, Any], info: Any) -> datetime:
        """Read the instant, which answers carry as text."""
        return datetime.fromisoformat(refund["created_at"])


class OrderItemType(graphene.ObjectType):
    """What was bought, and what the buyer got of it."""

    offer_id = graphene.ID()
    tier_id = graphene.ID()
    title = graphene.String(required=True)
    quantity = graphene.Int(required=True)
    unit_amount = graphene.Field(MoneyType, required=True)
    fulfillment_status = graphene.String()
    fulfillment = GenericScalar(description="As on REST: access_code, tracking_number, appointment_at, ...")


class OrderPaymentType(graphene.ObjectType):
    """How it was paid."""

    status = graphene.Field(PaymentStatusEnum, required=True)
    method_type = graphene.String()
    brand = graphene.String()
    last4 = graphene.String()


class OrderType(graphene.ObjectType):
    """An order; ``stripeCheckoutUrl`` and ``expiresAt`` while it can be paid."""

    class Meta:
        name = "Order"

    id = graphene.ID(required=True)
    order_number = graphene.String(required=True)
    status = graphene.Field(OrderStatusEnum, required=True)
    total_amount = graphene.Field(MoneyType, required=True)
    refunded_amount = graphene.Field(MoneyType, required=True)
    currency = graphene.String(required=True)
    items = graphene.List(graphene.NonNull(OrderItemType), required=True)
    payment = graphene.Field(OrderPaymentType)
    refunds = graphene.List(graphene.NonNull(RefundType), required=True)
    expires_at = graphene.DateTime()
    stripe_checkout_url = graphene.String()
    created_at = graphene.DateTime(required=True)

    @staticmethod
    def resolve_expires_at(order: dict[str, Any], info: Any) -> datetime | None:
        """Read the instant, which answers carry as text."""
        text = order["expires_at"]
        return None if text is None else datetime.fromisoformat(text)

    @staticmethod
    def resolve_created_at(order: dict[str, Any], info: Any) -> datetime:
        """Read the instant, which answers carry as text."""
        return datetime.fromisoformat(order["created_at"])


class CheckoutOrderType(graphene.ObjectType):
    """The order of a purchase."""

    id = graphene.ID(required=True)
    order_number = graphene.String(required=True)
    status = graphene.Field(PurchaseOrderStatusEnum, required=True)
    total_amount = graphene.Field(MoneyType, required=True)


class PurchaseResultType(graphene.ObjectType):
    """Where to pay, and until when the units are held; only the order when there is nothing to pay."""

    checkout_session_id = graphene.String()
    stripe_checkout_url = graphene.String()
    expires_at = graphene.DateTime()
    order = graphene.Field(CheckoutOrderType, required=True)

    @staticmethod
    def resolve_order(answer: PurchaseAnswer, info: Any) -> dict[str, Any]:
        """Return the order that the purchase made."""
        return order_summary(
            answer.order_id, answer.order_number, answer.order_status, answer.amount, answer.currency
        )


def order_summary(order_id: UUID, number: str, status: str, amount: int, currency: str) -> dict[str, Any]:
    """Return what a purchase shows of its order."""
    return {
        "id": order_id,
        "order_number": number,
        "status": status,
        "total_amount": {"amount": amount, "currency": currency},
    }


def _orders(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Any]:
    orders, refused = selectors.orders_by_id(request.actor, ids)
    shown = zip(orders, order_answers(orders), strict=True)
    return {**refused, **{order.pk: answer for order, answer in shown}}


ENTITIES = (Entity(OrderType, _orders),)


class Query:
    """The payments' part of Query."""

    order = graphene.Field(OrderType, id=graphene.ID(required=True))
    order_by_number = graphene.Field(OrderType, number=graphene.String(required=True))

    @staticmethod
    def resolve_order(root: None, info: Any, id: str) -> dict[str, Any]:  # noqa: A002 the contract's name
        """Return an order to its buyer, or to a member who may see orders."""
        return order_answer(selectors.order_for(info.context.actor, an_id(id, "id")))

    @staticmethod
    def resolve_order_by_number(root: None, info: Any, number: str) -> dict[str, Any]:
        """Return the order with this number, in whatever case and spacing."""
        return order_answer(selectors.order_by_number(info.context.actor, number))


class RefundOrder(graphene.Mutation):
    """Give money back, in full or in part; for admins and owners. ``Idempotency-Key`` counts as on REST."""

    class Arguments:
        """What to give back."""

        order_id = graphene.ID(required=True)
        reason = graphene.String(required=True)
        amount = graphene.Int(description="Minor units; all that is left.")
        restock_units = graphene.Int()

    Output = RefundType

    @staticmethod
    def mutate(
        root: None,
        info: Any,
        order_id: str,
        reason: str,
        amount: int | None = None,
        restock_units: int | None = None,
    ) -> dict[str, Any]:
        """Request the refund."""
        if not isinstance(info.context.user_account, User):
            raise Unauthenticated
        command = RequestRefund(
            order_id=an_id(order_id, "order_id"),
            amount=amount,
            reason=reason,
            restock_units=restock_units,
            actor=info.context.actor,
        )
        return refund_once(command, key=info.context.headers.get("Idempotency-Key"), now=clock.now())


class Mutation:
    """The payments' part of Mutation."""

    refund_order = RefundOrder.Field()
