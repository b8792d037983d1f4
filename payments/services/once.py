"""Refunds that may be asked for twice by accident: one key, one refund (``Idempotency-Key``)."""

from datetime import datetime
from typing import Any

from common.errors import Failure
from common.idempotency.services import begin, fingerprint_of, finish, release
from payments.answers import refund_answer
from payments.services.refund_requests import request_refund
from payments.types import RequestRefund

OPERATION = "payments.refund"
_CREATED = 201


def refund_once(command: RequestRefund, *, key: str | None, now: datetime) -> dict[str, Any]:
    """Request a refund, once for each key of the actor, and return the answer.

    A repetition gets the same one.

    Raises what ``request_refund`` raises (then the key is free again), ``IdempotencyMismatch``,
    ``InProgress``.
    """
    if command.actor.user_id is None or key is None:
        return refund_answer(request_refund(command, now=now))
    wanted = fingerprint_of({
        "order_id": command.order_id,
        "amount": command.amount,
        "reason": command.reason,
        "restock_units": command.restock_units,
    })  # fmt: skip
    ticket = begin(user_id=command.actor.user_id, operation=OPERATION, key=key, fingerprint=wanted, now=now)
    if ticket.replay is not None:
        return ticket.replay.body
    try:
        answer = refund_answer(request_refund(command, now=now, ticket=ticket))
    except Failure:
        release(ticket)
        raise
    finish(ticket, status=_CREATED, body=answer, now=now)
    return answer
