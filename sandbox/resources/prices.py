"""Prices: one-time and per unit. A price's amount never changes; a new amount is a new price."""

from sandbox.endpoint import Call, Endpoint, list_all, load, merged_metadata, retrieve
from sandbox.errors import ApiError
from sandbox.ids import new_id
from sandbox.money import check_amount
from sandbox.params import Field, boolean, choice, currency, integer, metadata, shape, text, unsettable
from sandbox.resources.products import INLINE_FIELDS, new_product
from sandbox.store import Json
from sandbox.world import World

KIND = "price"
TAX_BEHAVIORS = choice("inclusive", "exclusive", "unspecified")
_UPDATABLE: dict[str, Field] = {
    "active": boolean,
    "lookup_key": unsettable(text(200)),
    "metadata": metadata,
    "nickname": unsettable(text()),
    "tax_behavior": TAX_BEHAVIORS,
}
_FIELDS: dict[str, Field] = {
    **_UPDATABLE,
    "currency": currency,
    "unit_amount": integer(0),
    "product": text(255),
    "product_data": shape({**INLINE_FIELDS, "id": text(255), "active": boolean}, ("name",)),
    "billing_scheme": choice("per_unit"),
}


def new_price(world: World, params: Json, product_id: str, *, active: bool = True) -> Json:
    """Store and return a new price of the product; the amount was checked before."""
    price: Json = {
        "id": new_id("price"),
        "object": KIND,
        "active": params.get("active", active),
        "billing_scheme": "per_unit",
        "created": world.now(),
        "currency": params["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": merged_metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product_id,
        "recurring": None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": params["unit_amount"],
        "unit_amount_decimal": str(params["unit_amount"]),
    }
    world.store.insert(price)
    return price


def _create(world: World, call: Call) -> Json:
    params = call.params
    check_amount(params["unit_amount"], params["currency"], "unit_amount")
    if ("product" in params) == ("product_data" in params):
        raise ApiError(
            "You must specify either `product` or `product_data` when creating a price.",
            code="parameter_missing" if "product" not in params else None,
            param="product",
        )
    if "product" in params:
        product = load(world, "product", params["product"], param="product", in_path=False)
    else:
        product = new_product(world, params["product_data"])
    return new_price(world, params, product["id"])


def _update(world: World, call: Call) -> Json:
    price = load(world, KIND, call.path["id"])
    price.update({**call.params, "metadata": merged_metadata(price["metadata"], call.params.get("metadata"))})
    world.store.save(price)
    return price


ENDPOINTS = (
    Endpoint("POST", "/prices", _create, _FIELDS, ("currency", "unit_amount")),
    retrieve(KIND, "/prices"),
    Endpoint("POST", "/prices/{id}", _update, _UPDATABLE),
    list_all(KIND, "/prices", {"active": boolean, "product": text(255)}),
)
