"""Every call to Stripe goes through ``call``.

Built on use, bounded in time, behind a breaker, its errors sorted.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import stripe
from django.conf import settings
from django.db import connection

from common.breaker import Breaker
from common.health import NotReady
from payments.gateway import metrics
from payments.gateway.errors import GatewayError, NotThere, Refused, RefusedRetryable, Unknown
from payments.gateway.metrics import CallOutcome
from payments.gateway.transport import RETRIES, BoundedSession, CallState, one_call

R = TypeVar("R")

_FAILURES = 5
_PAUSE_SECONDS = 20.0
# Our own code for a request that never left; Stripe has none such.
_NOT_SENT = "not_sent"
breaker = Breaker(name="stripe", failures=_FAILURES, pause=_PAUSE_SECONDS, counts=(Unknown,))


def is_live() -> bool:
    """Say whether our key moves real money."""
    return settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))


def call(act: Callable[[stripe.StripeClient], R]) -> R:
    """Carry out one call within ``STRIPE_TIMEOUT_SECONDS``, with its retries, and return its answer.

    Raises ``Refused``, ``RefusedRetryable``, ``Unknown`` or ``NotThere``. While the breaker is open nothing
    is sent and it is ``RefusedRetryable``. ``RuntimeError`` inside a transaction: no lock is held across a
    call.
    """
    _refuse_transactions()
    if not breaker.admit():
        metrics.kept_away()
        raise RefusedRetryable("Stripe did not answer lately; it is left alone for a moment.")
    started = time.monotonic()
    with one_call(settings.STRIPE_TIMEOUT_SECONDS) as state:
        try:
            answer = act(_client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE))
        except stripe.StripeError as error:
            failure = _sorted(error, state)
            metrics.called(_outcome(failure, state), time.monotonic() - started)
            _tell_breaker(failure, error)
            raise failure from error
    metrics.called(CallOutcome.ANSWERED, time.monotonic() - started)
    breaker.succeeded()
    return answer


def ask_breaker() -> None:
    """Raise ``NotReady`` while this process leaves Stripe alone; nothing is sent to find out."""
    if breaker.is_open:
        raise NotReady("Stripe did not answer lately, and is left alone for a moment")


def _refuse_transactions() -> None:
    """A test case's own transaction, in which Django's test runner puts a test, holds no locks of ours."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("Stripe is never called inside a transaction")


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    if not key:
        raise RefusedRetryable("STRIPE_SECRET_KEY is not set.")
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(session=BoundedSession()),
        max_network_retries=RETRIES,
    )


def _sorted(error: stripe.StripeError, state: CallState) -> GatewayError:
    message, code, status = error.user_message or type(error).__name__, error.code or "", error.http_status
    if isinstance(error, stripe.APIConnectionError):
        return _unanswered(message, state)
    if status == 404:
        return NotThere(message, code=code)
    if status in {400, 402}:
        return Refused(message, code=code, param=getattr(error, "param", None) or "")
    if status in {401, 403, 429} and not state.may_have_been_sent:
        return RefusedRetryable(message, code=code)
    return Unknown(message, code=code, is_key_spent=state.was_answered_5xx)


def _unanswered(message: str, state: CallState) -> GatewayError:
    if state.may_have_been_sent:
        return Unknown(message, is_key_spent=state.was_answered_5xx)
    return RefusedRetryable(message, code=_NOT_SENT)


def _outcome(failure: GatewayError, state: CallState) -> CallOutcome:
    if state.timed_out:
        return CallOutcome.TIMEOUT
    is_refusal = isinstance(failure, Refused | NotThere) or (
        isinstance(failure, RefusedRetryable) and failure.code != _NOT_SENT
    )
    return CallOutcome.REFUSED if is_refusal else CallOutcome.FAILED


def _tell_breaker(failure: GatewayError, error: stripe.StripeError) -> None:
    if isinstance(failure, Unknown) or failure.code == _NOT_SENT:
        breaker.failed(error)
    else:
        breaker.succeeded()
