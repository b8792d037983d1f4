"""What the product asks of Stripe, one function each.

Mutating ones take the idempotency key that is kept for them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any, cast

import stripe

from payments.gateway.calls import call
from payments.gateway.errors import Unknown
from payments.gateway.views import (
    ChargeView,
    DisputeView,
    IntentView,
    RefundView,
    SessionView,
    charge_view,
    dispute_view,
    intent_view,
    refund_view,
    session_view,
)

# What a session is always read with, so that one call tells how it was paid and what that cost.
_SESSION_EXPANSION = ["payment_intent.latest_charge.balance_transaction"]
_INTENT_EXPANSION = ["latest_charge.balance_transaction"]
_PAGE = 100
_MOST_LISTED = 20_000


def create_product(params: Mapping[str, Any], *, key: str) -> str:
    """Create a product and return its id."""
    wanted = cast("stripe.params.ProductCreateParams", dict(params))
    return call(lambda client: client.v1.products.create(wanted, {"idempotency_key": key})).id


def create_price(params: Mapping[str, Any], *, key: str) -> str:
    """Create a price and return its id."""
    wanted = cast("stripe.params.PriceCreateParams", dict(params))
    return call(lambda client: client.v1.prices.create(wanted, {"idempotency_key": key})).id


def create_session(params: Mapping[str, Any], *, key: str) -> SessionView:
    """Create a Checkout session, or get the answer again that the same key got before."""
    wanted = cast("stripe.params.checkout.SessionCreateParams", dict(params))
    return session_view(
        _plain(call(lambda client: client.v1.checkout.sessions.create(wanted, {"idempotency_key": key})))
    )


def retrieve_session(session_id: str) -> SessionView:
    """Read a session with its PaymentIntent, charge and fee."""
    params = cast("stripe.params.checkout.SessionRetrieveParams", {"expand": _SESSION_EXPANSION})
    return session_view(_plain(call(lambda client: client.v1.checkout.sessions.retrieve(session_id, params))))


def expire_session(session_id: str) -> SessionView:
    """Close an open session, so that nobody can pay it any more. ``Refused`` when it is not open.

    Under the library's own key, a new one a call: expiring twice does nothing twice, and a kept key would
    have Stripe repeat a 5xx for a day.
    """
    return session_view(_plain(call(lambda client: client.v1.checkout.sessions.expire(session_id))))


def sessions_created(*, since: datetime, until: datetime) -> Iterator[SessionView]:
    """List the sessions created in ``[since, until)``, the newest first.

    Raises ``Unknown`` rather than answer with a part of more than 20,000.
    """
    window = _window(since, until) | {"expand": [f"data.{path}" for path in ("payment_intent",)]}
    params = cast("stripe.params.checkout.SessionListParams", window)
    yield from (
        session_view(found) for found in _listed(lambda client: client.v1.checkout.sessions.list(params))
    )


def retrieve_intent(intent_id: str) -> IntentView:
    """Read a PaymentIntent with its charge and fee."""
    params = cast("stripe.params.PaymentIntentRetrieveParams", {"expand": _INTENT_EXPANSION})
    return intent_view(_plain(call(lambda client: client.v1.payment_intents.retrieve(intent_id, params))))


def charges_created(*, since: datetime, until: datetime) -> Iterator[tuple[ChargeView, str]]:
    """List the charges that succeeded and were created in ``[since, until)``, each with its PaymentIntent's
    id.
    """
    params = cast("stripe.params.ChargeListParams", _window(since, until))
    for found in _listed(lambda client: client.v1.charges.list(params)):
        if found["status"] == "succeeded":
            yield charge_view(found), found.get("payment_intent") or ""


def create_refund(params: Mapping[str, Any], *, key: str) -> RefundView:
    """Ask for a refund, or get the answer again that the same key got before."""
    wanted = cast("stripe.params.RefundCreateParams", dict(params))
    return refund_view(
        _plain(call(lambda client: client.v1.refunds.create(wanted, {"idempotency_key": key})))
    )


def refunds_of(intent_id: str) -> list[RefundView]:
    """List all refunds of a payment, ours and those made in Stripe's dashboard."""
    params = cast("stripe.params.RefundListParams", {"payment_intent": intent_id, "limit": _PAGE})
    return [refund_view(found) for found in _listed(lambda client: client.v1.refunds.list(params))]


def refunds_created(*, since: datetime, until: datetime) -> Iterator[RefundView]:
    """List the refunds created in ``[since, until)``."""
    params = cast("stripe.params.RefundListParams", _window(since, until))
    yield from (refund_view(found) for found in _listed(lambda client: client.v1.refunds.list(params)))


def disputes_of(intent_id: str) -> list[DisputeView]:
    """List all disputes of a payment."""
    params = cast("stripe.params.DisputeListParams", {"payment_intent": intent_id, "limit": _PAGE})
    return [dispute_view(found) for found in _listed(lambda client: client.v1.disputes.list(params))]


def disputes_created(*, since: datetime, until: datetime) -> Iterator[DisputeView]:
    """List the disputes opened in ``[since, until)``."""
    params = cast("stripe.params.DisputeListParams", _window(since, until))
    yield from (dispute_view(found) for found in _listed(lambda client: client.v1.disputes.list(params)))


def _window(since: datetime, until: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp()), "lt": ceil(until.timestamp())}, "limit": _PAGE}


def _listed(start: Any) -> list[dict[str, Any]]:
    """Read a whole list, page by page inside one call's deadline."""
    found = call(
        lambda client: [_plain(one) for one in islice(start(client).auto_paging_iter(), _MOST_LISTED + 1)]
    )
    if len(found) > _MOST_LISTED:
        raise Unknown(f"Stripe lists more than {_MOST_LISTED} objects here; ask for a shorter time.")
    return found


def _plain(found: Any) -> dict[str, Any]:
    """Return the library's object as nested dicts (it is no dict itself since version 15)."""
    plain: dict[str, Any] = found.to_dict()
    return plain
