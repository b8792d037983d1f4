"""Listing anew what Stripe does not sell any more: somebody archived its Price or its Product there, or deleted it."""

from datetime import datetime

from django.db import transaction

from common.db import retrying
from payments import gateway
from payments.models import Payment, StripeOperation
from payments.models.operations import OperationState
from payments.services.listing import renew
from payments.services.stripe_params import product_id_of

# Of a session, and of a price.
_PRICE, _PRODUCT = "[price]", "product"
# Stripe names no code for what is archived.
_INACTIVE = ("inactive", "not active")


def is_unlisted(error: gateway.Refused) -> bool:
    """Say whether Stripe refused the price or the product as such, which other ones would change."""
    return (
        error.param == _PRODUCT or error.param.endswith(_PRICE) or any(w in error.message for w in _INACTIVE)
    )


@retrying
@transaction.atomic
def relist(payment: Payment, *, now: datetime) -> bool:
    """Forget price and product of a payment's refused request, and give it a new key; False if it was sent before.

    A refusal says nothing of an earlier sending. Of many buyers who meet it at once one forgets the product: the
    others find what is listed instead, or list it by the same keys.
    """
    session, product = payment.request["session"], payment.request["product"]
    items = [item | {"price": ""} for item in session["line_items"]]
    request = payment.request | {
        "session": session | {"line_items": items},
        "product": product | {"product_id": ""},
    }
    # Stripe repeats a refusal under its key, or refuses other parameters.
    key = f"{payment.idempotency_key}-relisted"
    first = Payment.objects.filter(pk=payment.pk, attempt=1, sends=1, session_id=None)
    if not first.update(request=request, idempotency_key=key):
        return False
    _forget(product, now)
    payment.request, payment.idempotency_key = request, key
    return True


def _forget(product: dict[str, str], now: datetime) -> None:
    """Have the product made again, as the next edition; its prices are kept by its id, and so are forgotten too."""
    stable_id = product_id_of(
        reference=product["reference"], title=product["title"], image_url=product["image_url"]
    )
    found = StripeOperation.objects.filter(operation="product", stable_id=stable_id).first()
    # Another buyer may have listed it anew already.
    if found is None or not found.result_id or found.result_id != product["product_id"]:
        return
    renew(
        found,
        now=now,
        request=found.request | {"id": f"{stable_id}_{found.attempt + 1}"},
        state=OperationState.UNKNOWN,
        result_id="",
    )
