"""What Stripe calls the thing that is sold.

A product for each title and picture it is sold by, a price for each amount it had.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from common.db import retrying
from payments import gateway
from payments.models import Order, Payment, StripeOperation
from payments.models.operations import OperationState
from payments.purposes import purpose_of
from payments.services.stripe_params import price_params, product_params

# Only a product has an id of ours, and one id stands for one title and picture.
_ALREADY_MADE = "resource_already_exists"


def ensure_listed(order: Order, payment: Payment, *, now: datetime) -> None:
    """Fill the payment's stored request with a price at Stripe, made under stable keys if it is not known
    yet.

    No transaction may be open. Raises the gateway's errors. Two first buyers at once use the same keys, so
    Stripe makes one product and one price.
    """
    item = payment.request["session"]["line_items"][0]
    if item["price"]:
        return
    product = payment.request["product"]
    product["product_id"] = product["product_id"] or _product(product, now)
    item["price"] = _price(order, product["reference"], product["product_id"], now)
    _remember(order, payment, product["product_id"], item["price"])


@retrying
@transaction.atomic
def _remember(order: Order, payment: Payment, product_id: str, price_id: str) -> None:
    """Keep what Stripe made, with the goods and in the request; the goods may be busy with other buyers."""
    purpose = purpose_of(order)
    purpose.lock(order.purpose_id)
    purpose.price_listed(
        order.purpose_id, product_id=product_id, price_id=price_id, unit_amount=order.unit_amount
    )
    payment.save(update_fields=["request"])


def _product(product: dict[str, Any], now: datetime) -> str:
    wanted = product_params(
        reference=product["reference"], title=product["title"], image_url=product["image_url"]
    )
    # One for each look of the thing: who is about to pay is not shown what it was called before.
    operation = _to_carry_out("product", wanted["id"], wanted, now)
    return operation.result_id or _carry_out(operation, gateway.create_product, now)


def _price(order: Order, reference: str, product_id: str, now: datetime) -> str:
    wanted = price_params(
        reference=reference, product_id=product_id, unit_amount=order.unit_amount, currency=order.currency
    )
    stable_id = f"{reference}:{product_id}:{order.unit_amount}:{order.currency}"
    operation = _to_carry_out("price", stable_id, wanted, now)
    return operation.result_id or _carry_out(operation, gateway.create_price, now)


def _to_carry_out(operation: str, stable_id: str, wanted: dict[str, Any], now: datetime) -> StripeOperation:
    """Return the kept operation; one that was refused is asked anew, as it is wanted now.

    What nobody knows the outcome of keeps its key and its parameters.
    """
    found = operation_of(operation, stable_id, wanted, now=now)
    if found.state != OperationState.REFUSED:
        return found
    # The id stays: it may be that of a later edition.
    own_id = {name: found.request[name] for name in ("id",) if name in found.request}
    renew(found, now=now, request=wanted | own_id, state=OperationState.UNKNOWN, error="")
    found.refresh_from_db()
    return found


def operation_of(
    operation: str, stable_id: str, request: dict[str, Any], *, now: datetime
) -> StripeOperation:
    """Return the kept operation, with the key and the parameters it was first asked with; written once."""
    found, _ = StripeOperation.objects.get_or_create(
        operation=operation,
        stable_id=stable_id,
        defaults={
            "idempotency_key": f"{operation}-{stable_id}",
            "request": request,
            "created_at": now,
            "updated_at": now,
        },
    )
    return found


def _carry_out(operation: StripeOperation, act: Any, now: datetime) -> str:
    """Send the operation under its key.

    After a 5xx the next one gets a new key: a product has an id of ours, and a second price harms nobody.
    """
    try:
        result_id = _made(operation, act)
    except gateway.Unknown as error:
        if error.is_key_spent:
            take_new_key(operation, now=now)
        raise
    except gateway.RefusedRetryable as error:
        # Not looked at this time, which says nothing of an earlier sending.
        _note(operation, now=now, error=error.message[:500])
        raise
    except gateway.GatewayError as error:
        _note(operation, now=now, state=OperationState.REFUSED, error=error.message[:500])
        raise
    _note(operation, now=now, state=OperationState.SUCCEEDED, result_id=result_id, error="")
    return result_id


def _note(operation: StripeOperation, *, now: datetime, **found: Any) -> None:
    """Keep what a sending came to, unless another has taken the next key meanwhile."""
    StripeOperation.objects.filter(pk=operation.pk, attempt=operation.attempt).update(updated_at=now, **found)


def _made(operation: StripeOperation, act: Any) -> str:
    """Return the id of what was made, now or by an earlier sending whose answer was lost with its key."""
    try:
        return str(act(operation.request, key=operation.idempotency_key))
    except gateway.Refused as error:
        if error.code != _ALREADY_MADE:
            raise
        return str(operation.request["id"])


def take_new_key(operation: StripeOperation, *, now: datetime) -> None:
    """Give the operation its next key, once: of two that met the same 5xx one changes it."""
    renew(operation, now=now)


def renew(operation: StripeOperation, *, now: datetime, **changes: Any) -> None:
    """Give the operation its next key and these values, once however many ask."""
    StripeOperation.objects.filter(pk=operation.pk, attempt=operation.attempt).update(
        attempt=operation.attempt + 1,
        idempotency_key=f"{operation.operation}-{operation.stable_id}-{operation.attempt + 1}",
        is_key_spent=False,
        updated_at=now,
        **changes,
    )
