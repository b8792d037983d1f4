"""Events, for those who missed a webhook."""

from sandbox.endpoint import Call, Endpoint, list_all, load
from sandbox.params import boolean, list_of, text
from sandbox.store import Json
from sandbox.world import World

KIND = "event"


def _current(world: World, event: Json) -> Json:
    return {**event, "pending_webhooks": world.outbox.undelivered(event["id"])}


def _retrieve(world: World, call: Call) -> Json:
    return _current(world, load(world, KIND, call.path["id"]))


_list = list_all(
    KIND, "/events", {"types": list_of(text(100), 20), "type": text(100), "delivery_success": boolean}
)


def _list_current(world: World, call: Call) -> Json:
    page = _list.run(world, call)
    return {**page, "data": [_current(world, event) for event in page["data"]]}


ENDPOINTS = (
    Endpoint("GET", "/events/{id}", _retrieve),
    Endpoint("GET", "/events", _list_current, _list.fields),
)
