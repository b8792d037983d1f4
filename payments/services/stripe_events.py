"""Working one verified event: find the order it is about, read that from Stripe, apply.

The payload is a hint.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.inbox.models import InboxEvent, InboxStatus
from common.inbox.store import mark
from payments import gateway
from payments.models import Order, OrderEvent, Payment
from payments.services.applying import apply_order

HANDLED_TYPES = frozenset({
    "checkout.session.completed", "checkout.session.expired", "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed", "payment_intent.succeeded", "payment_intent.payment_failed",
    "charge.refunded", "charge.refund.updated", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
})  # fmt: skip


class OrderNotThereYet(Exception):
    """The event is of an order of ours that is not there: not committed yet, or gone. It is tried again."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What an event's object says about where it belongs."""

    session_id: str | None
    intent_id: str | None
    order_id: str | None


def work_event(inbox_id: UUID, *, now: datetime) -> Callable[[], None] | None:
    """Work one event of the inbox and return what marks it, to be run in the finishing transaction.

    No transaction may be open. Raises ``OrderNotThereYet`` and the gateway's errors: then it is tried again.
    """
    event = InboxEvent.objects.get(pk=inbox_id)
    if event.status in {InboxStatus.DONE, InboxStatus.IGNORED, InboxStatus.QUARANTINED}:
        return None
    verdict = _worked(event, now)
    return lambda: _finish(event, verdict, now)


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: InboxStatus
    note: str
    order_id: UUID | None = None


def _finish(event: InboxEvent, verdict: _Verdict, now: datetime) -> None:
    """Mark the event, and note it at its order."""
    mark(event.pk, verdict.status, verdict.note, now=now)
    if verdict.order_id is not None:
        told = {"event_type": event.event_type, "note": verdict.note[:500], "received_at": event.received_at}
        OrderEvent.objects.update_or_create(
            order_id=verdict.order_id, inbox_id=event.pk, defaults=told | {"worked_at": now}
        )


def _worked(event: InboxEvent, now: datetime) -> _Verdict:
    if event.livemode != gateway.is_live():
        return _Verdict(
            InboxStatus.QUARANTINED, "The event is of the other mode (live or test) than our key."
        )
    if event.event_type not in HANDLED_TYPES:
        return _Verdict(InboxStatus.IGNORED, "We do not act on this type.")
    try:
        hint = _hint(json.loads(event.content)["data"]["object"])
    except ValueError:
        return _Verdict(InboxStatus.QUARANTINED, "It cannot be read.")
    order_id = _order_of(hint)
    if order_id is None:
        return _Verdict(InboxStatus.IGNORED, "It is of no order of ours.")
    order = apply_order(order_id, now=now, seen_session_id=hint.session_id)
    if order.is_quarantined:
        return _Verdict(InboxStatus.QUARANTINED, order.quarantine_reason, order_id)
    return _Verdict(InboxStatus.DONE, f"Order {order.number} is {order.status.label.lower()}.", order_id)


def _hint(found: dict[str, Any]) -> Hint:
    """Read ids only: what the object says about money may be old by now. Raises ``ValueError`` for what is no id."""
    is_session = found.get("object") == "checkout.session"
    is_intent = found.get("object") == "payment_intent"
    metadata = found.get("metadata")
    return Hint(
        session_id=_text(found.get("id")) if is_session else None,
        intent_id=_text(found.get("id" if is_intent else "payment_intent")),
        order_id=_text(metadata.get("order_id")) if isinstance(metadata, dict) else None,
    )


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.isprintable()):
        return value
    raise ValueError("This is no id")


def _order_of(hint: Hint) -> UUID | None:
    """Find the order, by what we stored or, before we stored it, by what Stripe was told of it.

    None: it has nothing to do with us. Raises ``OrderNotThereYet`` when it names an order that is not there.
    """
    stored = _stored(hint)
    if stored is not None:
        return stored
    named = hint.order_id or _named_by_stripe(hint)
    if named is None:
        return None
    order_id = _uuid(named)
    if order_id is None or not Order.objects.filter(pk=order_id).exists():
        raise OrderNotThereYet(f"There is no order {named[:50]}")
    return order_id


def _stored(hint: Hint) -> UUID | None:
    for field, value in (("session_id", hint.session_id), ("payment_intent_id", hint.intent_id)):
        if value:
            order_id = Payment.objects.filter(**{field: value}).values_list("order_id", flat=True).first()
            if order_id is not None:
                return order_id
    return None


def _named_by_stripe(hint: Hint) -> str | None:
    """Refunds and disputes made elsewhere carry no metadata of ours; their PaymentIntent does."""
    if not hint.intent_id:
        return None
    try:
        return gateway.retrieve_intent(hint.intent_id).metadata.get("order_id")
    except gateway.NotThere:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
