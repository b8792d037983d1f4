"""Buying, whatever it is: check and reserve in one transaction, then open the checkout with none (DESIGN "Money path").

With one idempotency key a double click, a second tab, a lost answer and a killed process all end with one
live purchase. Final answers are kept for 30 days and given again: the 201, and what was refused for good
(sold out, not available, over a limit, wrong fields, a refusal by Stripe that another try cannot change).
What may succeed later (rates, in progress, purchases paused, the provider away, a busy database) is not kept.
"""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from common import idempotency
from common.errors import Failure, FieldError, Invalid
from common.operations import observed
from common.problems.documents import status_of
from common.ratelimits import RateLimit, hit
from common.requests import bind
from payments.errors import BuyerLimit, CheckoutClosed, CheckoutRefused, HoldLimit, PurchasesDisabled, SoldOut
from payments.models import HOLDING_STATES, Order, OrderState
from payments.services.checkout import open_checkout
from payments.types import PurchaseAnswer, Wish

# Refused for good: the same key gets the same words again.
_FINAL: tuple[type[Failure], ...] = (SoldOut, HoldLimit, BuyerLimit, Invalid, CheckoutRefused)


class Counter(Protocol):
    """Where something is sold: what the room that sells knows of its goods."""

    @property
    def unavailable(self) -> type[Failure]:
        """The failure that says it is not on sale, or not any more; final like the others."""

    def check(self) -> None:
        """Raise ``Invalid`` for what is wrong with the wish by itself."""

    def order_of(self, subject_id: UUID) -> Order | None:
        """Return the order of what an earlier call with this key began."""

    def reserve(self, key: idempotency.Ticket, *, now: datetime) -> Order:
        """Hold the goods and return their order, by one transaction; a free one is complete at once."""


@observed("checkout", refusals=(PurchasesDisabled,))
def buy(wish: Wish, counter: Counter, *, now: datetime) -> PurchaseAnswer:
    """Hold what somebody wants and answer where to pay; what costs nothing is complete at once.

    Every further log line of the request names the buyer, and what is known by then of order, event and session.

    Call with no transaction open. Raises what the counter raises, ``RateLimited``, ``IdempotencyMismatch``,
    ``InProgress``, ``PurchasesDisabled``, ``CheckoutRefused`` (the hold is released),
    ``PaymentProviderUnavailable`` (the hold is kept: the same key goes on with it).
    """
    bind(user_id=wish.buyer_id)
    answer = _bought(wish, counter, now=now)
    bind(order_id=answer.order_id, checkout_session_id=answer.checkout_session_id or "")
    return answer


def _bought(wish: Wish, counter: Counter, *, now: datetime) -> PurchaseAnswer:
    """Answer from the key, or carry the wish out and keep the answer under it."""
    _limit_address(wish)
    counter.check()
    key = idempotency.begin(
        user_id=wish.buyer_id,
        operation=wish.operation,
        key=wish.key,
        fingerprint=idempotency.fingerprint_of(wish.body),
        now=now,
    )
    if key.replay is not None:
        return _replayed(key.replay, counter)
    try:
        # A repetition of what is answered already is no further purchase.
        _limit_buyer(wish)
        answer = _carry_out(counter, key, now=now)
    except Failure as failure:
        _close_key(key, failure, counter, now)
        raise
    idempotency.finish(key, status=201, body=answer.as_json(), now=now)
    return answer


def _limit_buyer(wish: Wish) -> None:
    seconds = settings.PURCHASE_RATE_WINDOW_SECONDS
    hit(RateLimit("purchase.user", settings.PURCHASE_RATE_LIMIT, seconds), str(wish.buyer_id))


def _limit_address(wish: Wish) -> None:
    seconds = settings.PURCHASE_RATE_WINDOW_SECONDS
    if wish.network is not None:
        hit(RateLimit("purchase.address", settings.PURCHASE_ADDRESS_RATE_LIMIT, seconds), wish.network)


def _carry_out(counter: Counter, key: idempotency.Ticket, *, now: datetime) -> PurchaseAnswer:
    order = _begun_before(counter, key)
    if order is not None:
        answer = _opened(order, now=now)
        if answer is not None:
            return answer
    # What was begun ended without a sale (its time ran out, Stripe refused): this is a new attempt.
    if not settings.PURCHASES_ENABLED:
        raise PurchasesDisabled
    answer = _opened(counter.reserve(key, now=now), now=now)
    if answer is None:
        raise counter.unavailable("The checkout was closed before it opened.", retryable=True)
    return answer


def _begun_before(counter: Counter, key: idempotency.Ticket) -> Order | None:
    """Return the order of an earlier attempt with this key, where it is alive or paid."""
    order = None if key.subject_id is None else counter.order_of(key.subject_id)
    if order is None or order.state not in {*HOLDING_STATES, OrderState.PAID}:
        return None
    return order


def _opened(order: Order, *, now: datetime) -> PurchaseAnswer | None:
    """Return the answer for an order: paid, being paid, or with its checkout open; None when it ended unpaid.

    Raises ``CheckoutClosed`` while it is just ending: neither go on with it nor begin another beside it.
    """
    # Before Stripe is asked: what goes wrong there is looked for by its order.
    bind(order_id=order.pk, event_id=order.event_id)
    if order.state == OrderState.PAID:
        return _answer(order, None, None, None)
    try:
        opened = open_checkout(order.pk, now=now)
    except CheckoutClosed:
        order.refresh_from_db()
        if order.state in {OrderState.PAID, OrderState.PROCESSING}:
            return _answer(order, None, None, None)
        if order.state in HOLDING_STATES:
            raise
        return None
    return _answer(order, opened.checkout_session_id, opened.url, opened.expires_at)


def _answer(order: Order, session_id: str | None, url: str | None, ends: datetime | None) -> PurchaseAnswer:
    return PurchaseAnswer(
        order_id=order.pk,
        order_number=order.number,
        order_status=order.status.value,
        amount=order.amount,
        currency=order.currency,
        checkout_session_id=session_id,
        stripe_checkout_url=url,
        expires_at=ends,
    )


def _close_key(key: idempotency.Ticket, failure: Failure, counter: Counter, now: datetime) -> None:
    """Keep a final refusal under the key, or give the key up so that the same call may go on."""
    if isinstance(failure, idempotency.InProgress):
        return  # the key is somebody else's now
    if failure.code in _final(counter) and not failure.retryable:
        idempotency.finish(key, status=status_of(failure.kind), body=_kept(failure), now=now)
    else:
        idempotency.release(key)


def _final(counter: Counter) -> dict[str, type[Failure]]:
    return {failure.code: failure for failure in (*_FINAL, counter.unavailable)}


def _kept(failure: Failure) -> dict[str, Any]:
    errors = [{"field": e.field, "code": e.code, "message": e.message} for e in failure.errors]
    return {"code": failure.code, "detail": failure.detail, "errors": errors}


def _replayed(stored: idempotency.StoredAnswer, counter: Counter) -> PurchaseAnswer:
    if stored.status == 201:
        return PurchaseAnswer.from_json(stored.body)
    errors = [FieldError(**error) for error in stored.body["errors"]]
    raise _final(counter)[stored.body["code"]](stored.body["detail"], errors=errors)
