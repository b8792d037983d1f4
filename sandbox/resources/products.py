"""Products."""

from sandbox.endpoint import Call, Endpoint, list_all, load, merged_metadata, retrieve
from sandbox.errors import ApiError
from sandbox.ids import new_id
from sandbox.params import Field, boolean, kept_as_sent, list_of, metadata, text, unsettable, url
from sandbox.store import Json
from sandbox.world import World

KIND = "product"
INLINE_FIELDS: dict[str, Field] = {
    "name": text(250),
    "description": unsettable(text(40_000)),
    "images": list_of(url, 8),
    "metadata": metadata,
    "tax_code": text(),
    "unit_label": unsettable(text(12)),
}
_FIELDS: dict[str, Field] = {
    **INLINE_FIELDS,
    "active": boolean,
    "shippable": boolean,
    "statement_descriptor": text(22),
    "url": unsettable(url),
    "marketing_features": kept_as_sent,
    "package_dimensions": kept_as_sent,
}


def new_product(world: World, params: Json, *, active: bool = True) -> Json:
    """Store and return a new product."""
    now = world.now()
    product: Json = {
        "id": params.get("id") or new_id("prod"),
        "object": KIND,
        "active": params.get("active", active),
        "created": now,
        "default_price": None,
        "description": params.get("description"),
        "images": params.get("images", []),
        "livemode": False,
        "marketing_features": [],
        "metadata": merged_metadata({}, params.get("metadata")),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": params.get("shippable"),
        "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"),
        "type": "service",
        "unit_label": params.get("unit_label"),
        "updated": now,
        "url": params.get("url"),
    }
    world.store.insert(product)
    return product


def _create(world: World, call: Call) -> Json:
    wanted = call.params.get("id")
    if wanted and world.store.exists(wanted):
        raise ApiError("Product already exists.", code="resource_already_exists", param="id", executed=True)
    return new_product(world, call.params)


def _update(world: World, call: Call) -> Json:
    product = load(world, KIND, call.path["id"])
    changes = dict(call.params)
    if "default_price" in changes:
        load(world, "price", changes["default_price"], param="default_price", in_path=False)
    changes["metadata"] = merged_metadata(product["metadata"], changes.get("metadata"))
    product.update(changes, updated=world.now())
    world.store.save(product)
    return product


ENDPOINTS = (
    Endpoint("POST", "/products", _create, {**_FIELDS, "id": text(255)}, ("name",)),
    retrieve(KIND, "/products"),
    Endpoint("POST", "/products/{id}", _update, {**_FIELDS, "default_price": text(255)}),
    list_all(KIND, "/products", {"active": boolean, "ids": list_of(text(255))}),
)
