"""What one API endpoint is, and the pieces that most of them share: retrieving, listing, metadata."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sandbox.errors import missing_resource
from sandbox.params import Field, created_range, integer, text
from sandbox.store import Filter, Json
from sandbox.world import Origin, World

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


@dataclass(frozen=True)
class Call:
    """One request to an endpoint: names from the path, checked parameters, and who asked."""

    path: Mapping[str, str]
    params: Json
    origin: Origin


Run: TypeAlias = Callable[[World, Call], Json]


@dataclass(frozen=True)
class Endpoint:
    """Method, path under /v1, allowed and required parameters, and the function that does the work."""

    method: str
    path: str
    run: Run
    fields: Mapping[str, Field] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def load(world: World, kind: str, object_id: str, *, param: str = "id", in_path: bool = True) -> Json:
    """The object; raises `resource_missing` (404 for a path, 400 for a parameter)."""
    found = world.store.get(kind, object_id)
    if found is None:
        raise missing_resource(kind, object_id, param=param, in_path=in_path)
    return found


def retrieve(kind: str, path: str) -> Endpoint:
    """GET one object."""
    return Endpoint("GET", f"{path}/{{id}}", lambda world, call: load(world, kind, call.path["id"]))


def _filter(params: Json) -> Filter:
    created = params.get("created") or {}
    details = params.get("customer_details") or {}
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    return Filter(
        **{
            name: params.get(name)
            for name in ("status", "payment_intent", "charge", "product", "active", "ids")
        },
        **{name: created.get(name) for name in ("gt", "gte", "lt", "lte")},
        customer_email=details.get("email"),
        types=types,
        delivered=params.get("delivery_success"),
    )


def page_of(world: World, kind: str, path: str, params: Json) -> Json:
    """Stripe's list object: newest first, at most `limit`, around a cursor."""
    limit = params.get("limit", DEFAULT_LIMIT)
    wanted = _filter(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    for name in ("starting_after", "ending_before"):
        if name in params:
            load(world, kind, params[name], param=name, in_path=False)
    if before is not None:
        rows = world.store.newer(kind, wanted, before, limit + 1)
        data = rows[-limit:]
    else:
        rows = world.store.older(kind, wanted, after, limit + 1)
        data = rows[:limit]
    return {"object": "list", "data": data, "has_more": len(rows) > limit, "url": f"/v1{path}"}


def list_all(kind: str, path: str, filters: Mapping[str, Field]) -> Endpoint:
    """GET a list with cursors, `created` and these filters."""
    fields = {
        "limit": integer(1, MAX_LIMIT),
        "starting_after": text(255),
        "ending_before": text(255),
        "created": created_range,
        **filters,
    }
    return Endpoint("GET", path, lambda world, call: page_of(world, kind, path, call.params), fields)


def merged_metadata(old: Mapping[str, str], new: Mapping[str, str] | None) -> dict[str, str]:
    """Stripe merges key by key: an empty value removes its key, an empty hash removes all."""
    if new is None:
        return dict(old)
    if not new:
        return {}
    return {key: value for key, value in {**old, **new}.items() if value != ""}
