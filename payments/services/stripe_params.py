"""The exact parameters of what we ask of Stripe.

They are stored before they are sent, so a repetition is the same.
"""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from django.conf import settings

from common.requests import current_request_id
from payments.types import NewOrder

# Stripe: Checkout Session `expires_at` lies 30 minutes to 24 hours after creation. The margins are for our
# clock and for a creation that is repeated a little later under the same key.
_SHORTEST, _LONGEST = timedelta(minutes=32), timedelta(hours=23, minutes=50)
SESSION_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


def session_lifetime() -> timedelta:
    """Return how long a session lives at Stripe, within what Stripe allows."""
    return min(max(timedelta(minutes=settings.STRIPE_CHECKOUT_EXPIRY_MINUTES), _SHORTEST), _LONGEST)


def session_params(new: NewOrder, payment_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Return the parameters of the session's creation.

    The price is filled in where Stripe does not know it yet.
    """
    ours = {"order_id": str(new.order_id), "payment_id": str(payment_id), "purpose": new.purpose}
    if current_request_id():
        # What Stripe tells later of this order goes on under the id of the request that began it.
        ours["request_id"] = current_request_id()
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"price": new.known_price_id if is_listed(new) else "", "quantity": new.quantity}],
        "client_reference_id": str(new.order_id),
        "customer_email": new.buyer_email,
        "metadata": ours,
        "payment_intent_data": {"metadata": ours, "description": new.title[:200]},
        "expires_at": int((now + session_lifetime()).timestamp()),
        "success_url": _with_session(new.success_url),
        "cancel_url": new.cancel_url,
    }
    if not new.allows_delayed:
        params["allowed_payment_method_types"] = ["card"]
    return params


def renewed_params(params: dict[str, Any], payment_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Return the parameters of another attempt: for its own payment, with an end of its own."""
    ours = params["metadata"] | {"payment_id": str(payment_id)}
    return params | {
        "metadata": ours,
        "payment_intent_data": params["payment_intent_data"] | {"metadata": ours},
        "expires_at": int((now + session_lifetime()).timestamp()),
    }


def session_key(payment_id: UUID) -> str:
    """Return the idempotency key of the creation of a payment's session."""
    return f"session-{payment_id}"


def product_id_of(*, reference: str, title: str, image_url: str) -> str:
    """Return our name for the product at Stripe: another title or picture is another product.

    So a page that is open keeps what its order says, and the id alone tells what a product was listed as.
    """
    look = sha256(json.dumps([title, image_url]).encode()).hexdigest()[:16]
    return f"{reference.replace(':', '_')}_{look}"


def is_listed(new: NewOrder) -> bool:
    """Say whether what Stripe knows is sold by the title and the picture of now, in whichever edition."""
    wanted = product_id_of(reference=new.reference, title=new.title, image_url=new.image_url)
    return new.known_product_id == wanted or new.known_product_id.startswith(f"{wanted}_")


def product_params(*, reference: str, title: str, image_url: str) -> dict[str, Any]:
    """Return the parameters of the product's creation, under an id of ours: a second one cannot come to be."""
    product_id = product_id_of(reference=reference, title=title, image_url=image_url)
    params: dict[str, Any] = {"id": product_id, "name": title, "metadata": {"reference": reference}}
    if image_url:
        params["images"] = [image_url]
    return params


def price_params(*, reference: str, product_id: str, unit_amount: int, currency: str) -> dict[str, Any]:
    """Return the parameters of the price's creation."""
    return {
        "product": product_id,
        "unit_amount": unit_amount,
        "currency": currency.lower(),
        "metadata": {"reference": reference},
    }


def refund_params(*, order_id: UUID, refund_id: UUID, intent_id: str, amount: int) -> dict[str, Any]:
    """Return the parameters of a refund of so many minor units."""
    return {
        "payment_intent": intent_id,
        "amount": amount,
        "metadata": {"order_id": str(order_id), "refund_id": str(refund_id)},
    }


def _with_session(url: str) -> str:
    """Let Stripe name the session to the page the buyer comes back to.

    The placeholder must not be escaped.
    """
    if SESSION_PLACEHOLDER in url:
        return url
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, f"session_id={SESSION_PLACEHOLDER}"]))
    return urlunsplit(parts._replace(query=query))
