"""The parameters the sandbox takes are Stripe's own: the library's typed dictionaries name them all."""

from typing import Any

import pytest
import stripe.params
import stripe.params.checkout
from stripe.params.checkout import _session_create_params as nested

from sandbox.api import ENDPOINTS
from sandbox.resources import session_params
from sandbox.resources.products import INLINE_FIELDS

PARAMS = {
    ("POST", "/products"): stripe.params.ProductCreateParams,
    ("POST", "/products/{id}"): stripe.params.ProductUpdateParams,
    ("GET", "/products"): stripe.params.ProductListParams,
    ("POST", "/prices"): stripe.params.PriceCreateParams,
    ("POST", "/prices/{id}"): stripe.params.PriceUpdateParams,
    ("GET", "/prices"): stripe.params.PriceListParams,
    ("POST", "/checkout/sessions"): stripe.params.checkout.SessionCreateParams,
    ("GET", "/checkout/sessions"): stripe.params.checkout.SessionListParams,
    ("POST", "/refunds"): stripe.params.RefundCreateParams,
    ("GET", "/refunds"): stripe.params.RefundListParams,
    ("GET", "/charges"): stripe.params.ChargeListParams,
    ("GET", "/disputes"): stripe.params.DisputeListParams,
    ("GET", "/payment_intents"): stripe.params.PaymentIntentListParams,
    ("GET", "/events"): stripe.params.EventListParams,
}


@pytest.mark.parametrize("endpoint", PARAMS, ids=" ".join)
def test_no_endpoint_takes_what_stripe_does_not_know(endpoint: tuple[str, str]) -> None:
    """What passes here passes at Stripe: a misspelt parameter cannot hide. REQ PA-09"""
    fields = next(set(found.fields) for found in ENDPOINTS if (found.method, found.path) == endpoint)
    # Described only to be refused with the reason that Stripe gives.
    removed = {"payment_method_types"}
    assert fields - removed - set(PARAMS[endpoint].__annotations__) == set()


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        (session_params.LINE_ITEM, nested.SessionCreateParamsLineItem),
        (session_params.PAYMENT_INTENT_DATA, nested.SessionCreateParamsPaymentIntentData),
        (INLINE_FIELDS, nested.SessionCreateParamsLineItemPriceDataProductData),
    ],
)
def test_no_nested_parameter_is_invented(fields: dict[str, Any], known: Any) -> None:
    """The same for what lies inside a session's parameters. REQ PA-09"""
    assert set(fields) - set(known.__annotations__) == set()
