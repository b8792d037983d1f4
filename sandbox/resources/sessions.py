"""Checkout Sessions: create, retrieve, list, line items, expire."""

from sandbox.checkout import expire_session
from sandbox.endpoint import MAX_LIMIT, Call, Endpoint, list_all, load, merged_metadata, retrieve
from sandbox.ids import new_id
from sandbox.params import choice, email, integer, shape, text
from sandbox.resources.prices import new_price
from sandbox.resources.products import new_product
from sandbox.resources.session_params import (
    FIELDS,
    MAX_LIFETIME_SECONDS,
    REQUIRED,
    check_expiry,
    check_items,
    payment_methods,
)
from sandbox.store import Json
from sandbox.world import World

KIND = "checkout.session"
_PATH = "/checkout/sessions"


def line_item(price: Json, description: str, quantity: int, metadata: Json | None = None) -> Json:
    """A line item in Stripe's shape."""
    total = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": description,
        "metadata": metadata or {},
        "price": price,
        "quantity": quantity,
    }


def _priced(world: World, item: Json) -> tuple[Json, Json]:
    """Price and product of a checked line item; `price_data` makes both, inactive as Stripe does."""
    if "price" in item:
        price = load(world, "price", item["price"])
        return price, load(world, "product", price["product"])
    data = item["price_data"]
    if "product" in data:
        product = load(world, "product", data["product"])
    else:
        product = new_product(world, data["product_data"], active=False)
    return new_price(world, data, product["id"], active=False), product


def _line_items(world: World, items: list[Json]) -> tuple[list[Json], list[str | None]]:
    lines, images = [], []
    for item in items:
        price, product = _priced(world, item)
        lines.append(line_item(price, product["name"], item["quantity"], item.get("metadata")))
        images.append(next(iter(product["images"]), None))
    return lines, images


def session_object(world: World, session_id: str, params: Json, currency: str, total: int) -> Json:
    """A new open session in Stripe's shape, not stored yet."""
    now = world.now()
    optional = ("cancel_url", "client_reference_id", "customer_email", "locale", "submit_type")
    return {
        "id": session_id,
        "object": KIND,
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None},
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "discounts": [],
        "excluded_payment_method_types": params.get("excluded_payment_method_types"),
        "expires_at": params.get("expires_at", now + MAX_LIFETIME_SECONDS),
        "invoice": None,
        "livemode": False,
        "metadata": merged_metadata({}, params.get("metadata")),
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": payment_methods(params, currency),
        "payment_status": "unpaid" if total else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "success_url": params.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{world.base_url}/c/pay/{session_id}",
        **{name: params.get(name) for name in optional},
    }


def _create(world: World, call: Call) -> Json:
    params = call.params
    if "expires_at" in params:
        check_expiry(params["expires_at"], world.now())
    currency, total = check_items(world, params["line_items"], params.get("currency"))
    session = session_object(world, new_id("cs_test"), params, currency, total)
    lines, images = _line_items(world, params["line_items"])
    intent_data = params.get("payment_intent_data", {})
    intent_data["metadata"] = merged_metadata({}, intent_data.get("metadata"))
    world.store.insert(session, {"line_items": lines, "images": images, "payment_intent_data": intent_data})
    return session


def _expire(world: World, call: Call) -> Json:
    return expire_session(world, call.path["id"], call.origin)


def lines_of(world: World, session_id: str) -> Json:
    """The session's line items as Stripe's list object."""
    lines = world.store.private(session_id).get("line_items", [])
    return {"object": "list", "data": lines, "has_more": False, "url": f"/v1{_PATH}/{session_id}/line_items"}


def _list_lines(world: World, call: Call) -> Json:
    load(world, KIND, call.path["id"])
    return lines_of(world, call.path["id"])


ENDPOINTS = (
    Endpoint("POST", _PATH, _create, FIELDS, REQUIRED),
    retrieve(KIND, _PATH),
    list_all(
        KIND,
        _PATH,
        {
            "status": choice("open", "complete", "expired"),
            "payment_intent": text(255),
            "customer_details": shape({"email": email}, ("email",)),
        },
    ),
    Endpoint("POST", f"{_PATH}/{{id}}/expire", _expire),
    Endpoint("GET", f"{_PATH}/{{id}}/line_items", _list_lines, {"limit": integer(1, MAX_LIMIT)}),
)
