"""`expand[]`: ids replaced by their objects, at most four levels deep."""

from sandbox.errors import ApiError
from sandbox.resources.sessions import lines_of
from sandbox.store import Json
from sandbox.world import World

MAX_DEPTH = 4
# Field of an answer -> kind of the object it names.
_NAMED = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "default_price": "price",
    "failure_balance_transaction": "balance_transaction",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "product": "product",
}


def _refused(path: str) -> ApiError:
    return ApiError(f"This property cannot be expanded ({path}).", param="expand")


def _expand_one(world: World, target: Json, name: str, path: str) -> object:
    if name == "line_items" and target.get("object") == "checkout.session":
        return lines_of(world, target["id"])
    if name == "refunds" and target.get("object") == "charge":
        refunds = world.store.of_payment("refund", target["payment_intent"])[::-1]
        mine = [refund for refund in refunds if refund["charge"] == target["id"]]
        return {
            "object": "list",
            "data": mine,
            "has_more": False,
            "url": f"/v1/charges/{target['id']}/refunds",
        }
    if name not in _NAMED or name not in target:
        raise _refused(path)
    value = target[name]
    return world.store.get(_NAMED[name], value) if isinstance(value, str) else value


def _walk(world: World, target: object, names: list[str], path: str) -> None:
    if isinstance(target, list):
        for item in target:
            _walk(world, item, names, path)
    elif isinstance(target, dict) and names:
        first, *rest = names
        if first == "data" and target.get("object") == "list":
            _walk(world, target["data"], rest, path)
            return
        target[first] = _expand_one(world, target, first, path)
        _walk(world, target[first], rest, path)


def expand(world: World, answer: Json, paths: list[str]) -> Json:
    """The answer with the named properties expanded; raises for what cannot be."""
    for path in paths:
        names = path.split(".")
        if len([name for name in names if name != "data"]) > MAX_DEPTH:
            raise ApiError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property ({path}).", param="expand"
            )
        _walk(world, answer, names, path)
    return answer
