"""The goods follow the money: whether the buyer may use them, and whether they come back.

One judgement for refunds and disputes, made when both are recorded, never while one of them is: what the one
would take up again the other may still forbid.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet

from payments.models import (
    DEAD_REFUND_STATUSES,
    UNDER_WAY_STATUSES,
    Order,
    OrderState,
    Payment,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.purposes import purpose_of
from payments.services.disputing import disputed_payments, lost_of

# Units that a refund is to bring back and has not brought. Named ones come with their refund's success; when it
# fails they are for the refund that took its money's place. Those that come by rule wait until all money is gone.
_IS_BY_RULE = Q(restock_by_rule=True)
_HAS_FAILED = Q(status__in=DEAD_REFUND_STATUSES)
_IS_OPEN = Q(restock_units__gt=F("units_returned"))

# Why goods are stopped, as staff read it.
REFUNDED = "The order was refunded."
_DISPUTED = "The buyer's bank disputes the payment."
_LOST = "Nothing is kept: the buyer's bank took money back."
_REFUND_REQUESTED = "A refund was requested."
REASONS = frozenset({REFUNDED, _DISPUTED, _LOST, _REFUND_REQUESTED})


@contextmanager
def goods_follow(order: Order, *, now: datetime) -> Iterator[None]:
    """Let the goods follow what this block records of the money; under ``locked_order``, with its refunds recounted.

    A paid order's goods are stopped while a dispute stands, when nothing is kept, and while everything is on its
    way back with the goods. When none of it is so any more, they go on. When nothing is kept, the units
    that come back by rule do, once; what a bank took brings none back.
    """
    _let_promises_lapse(order)
    before, was_kept = obstacle_of(order), order.kept.amount
    yield
    _let_promises_lapse(order)
    if order.state == OrderState.PAID and _all_is_going(order):
        if _money(order).kept:
            _stop_for_what_is_going(order)
        else:
            _take_back(order, now)
    after = obstacle_of(order)
    # Once more when the last of the money goes, an extra payment's too: then nothing is held for it any more.
    is_the_end = was_kept and not order.kept.amount
    if after and (after != before or is_the_end):
        purpose_of(order).stop_fulfilment(order, reason=after, now=now)
    elif before and not after:
        purpose_of(order).resume_fulfilment(order, now=now)


def obstacle_of(order: Order) -> str:
    """Say why the buyer of a paid order may not use the goods now; empty when they may."""
    if order.state != OrderState.PAID:
        return ""
    money = _money(order)
    if order.paid_amount and not money.kept:
        return _LOST if money.lost else REFUNDED
    if _is_in_question(order):
        return _DISPUTED
    if _all_is_going(order) and order.refunds.filter(stopped_fulfilment=True).exists():
        return _REFUND_REQUESTED
    return ""


def _all_is_going(order: Order) -> bool:
    """Say whether everything that was paid for the goods went back or is on its way."""
    money = _money(order)
    return order.paid_amount > 0 and money.going >= money.kept


@dataclass(frozen=True, slots=True)
class _Money:
    """What is kept for the goods, how much of it is on its way back, and what a bank took, in minor units."""

    kept: int
    going: int
    lost: int


def _money(order: Order) -> _Money:
    """Sum up what was paid for the goods.

    A payment that came on top of another one is sent back by itself (``settling``) and says nothing of them, neither
    while it is there nor when it has gone; unless the bank does not take it: then it is kept as any other.
    """
    if order.paid_amount <= order.amount:
        return _Money(order.kept.amount, order.refund_pending_amount, order.lost_amount)
    kept = going = lost = 0
    for payment, mine in _counted(order):
        left = _left_of(payment, mine)
        kept += left
        lost += lost_of(payment)
        going += min(left, sum(amount for status, amount in mine if status in UNDER_WAY_STATUSES))
    return _Money(kept, going, lost)


def _left_of(payment: Payment, refunds: list[tuple[str, int]]) -> int:
    back = sum(amount for status, amount in refunds if status == RefundStatus.SUCCEEDED)
    return max(0, payment.paid_amount - back - lost_of(payment))


def _counted(order: Order) -> Iterator[tuple[Payment, list[tuple[str, int]]]]:
    """Yield the payments that count for the goods, with the status and amount of their refunds."""
    refunds = list(order.refunds.values_list("payment_id", "origin", "status", "amount"))
    for number, payment in enumerate(paid_in_turn(order)):
        mine = [(origin, status, amount) for of, origin, status, amount in refunds if of == payment.pk]
        returns = {status for origin, status, _ in mine if origin == RefundOrigin.AUTOMATIC}
        if not number or (returns and returns <= set(DEAD_REFUND_STATUSES)):
            yield payment, [(status, amount) for _, status, amount in mine]


def _is_in_question(order: Order) -> bool:
    """Say whether a bank disputes what was paid for the goods, so that nothing else is kept for them."""
    if not order.is_disputed or order.paid_amount <= order.amount:
        return order.is_disputed
    disputed = disputed_payments(order)
    counted = list(_counted(order))
    is_theirs = any(payment.pk in disputed for payment, _ in counted)
    return is_theirs and not any(
        _left_of(payment, mine) for payment, mine in counted if payment.pk not in disputed
    )


def paid_in_turn(order: Order) -> QuerySet[Payment]:
    """Return the order's payments that brought money, the one that bought the goods first."""
    return order.payments.exclude(paid_amount=0).order_by("succeeded_at", "attempt")


def _let_promises_lapse(order: Order) -> None:
    """Where money stays, the goods stay: what came back with the last of it does not, and stops nothing.

    A refund may have been the last one only because another counted that then failed.
    """
    if order.state != OrderState.PAID or _all_is_going(order):
        return
    lapsing = order.refunds.filter(_IS_BY_RULE | _HAS_FAILED | Q(stopped_fulfilment=True))
    lapsing.filter(_IS_OPEN & (_IS_BY_RULE | _HAS_FAILED)).update(restock_units=F("units_returned"))
    lapsing.filter(stopped_fulfilment=True).update(stopped_fulfilment=False)


def _stop_for_what_is_going(order: Order) -> None:
    """Note which refunds stop the goods: those that bring them back, when nobody has them yet."""
    bringing = order.refunds.filter(_IS_OPEN, ~Q(status=RefundStatus.SUCCEEDED) | _IS_BY_RULE)
    bringing = bringing.filter(stopped_fulfilment=False)
    if bringing.exists() and not purpose_of(order).is_fulfilled(order):
        bringing.update(stopped_fulfilment=True)


def _take_back(order: Order, now: datetime) -> None:
    """Take the units back that were promised by rule, or by refunds that failed though the money is gone.

    They are written to the refund that brought them; by rule, goods that the buyer has stay out. Where a bank took the
    rest, a refund that failed was not replaced, and one that is under way is waited for.
    """
    refunds, is_lost = list(order.refunds.order_by("created_at", "pk")), _money(order).lost > 0
    succeeded = [one for one in refunds if one.status == RefundStatus.SUCCEEDED]
    last = max(succeeded, key=lambda one: (one.settled_at or one.created_at, one.pk), default=None)
    is_fulfilled = purpose_of(order).is_fulfilled(order)
    for refund in refunds:
        is_dead = refund.status in DEAD_REFUND_STATUSES
        is_awaited = is_lost and refund.status in UNDER_WAY_STATUSES
        if is_awaited or not (refund.restock_by_rule or is_dead):
            continue
        wanted = refund.restock_units - refund.units_returned
        refund.restock_units = refund.units_returned
        if wanted > 0:
            stays_out = (refund.restock_by_rule and is_fulfilled) or (is_dead and is_lost)
            came = 0 if stays_out else purpose_of(order).return_units(order, wanted, now=now)
            _write(refund, last, came)


def _write(promised: Refund, last: Refund | None, came: int) -> None:
    """Write units that came to the refund that promised them if it succeeded, else to the last one that did.

    Where none did, none came.
    """
    taker = promised if promised.status == RefundStatus.SUCCEEDED or last is None else last
    taker.restock_units += came
    taker.units_returned += came
    promised.save(update_fields=["restock_units", "units_returned"])
    if taker is not promised:
        taker.save(update_fields=["restock_units", "units_returned"])
