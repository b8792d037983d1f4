"""Moving time for what exists: it is made older, while new objects and signatures keep the real time."""

import json

from sandbox.checkout import expire_due
from sandbox.store import Json, encode
from sandbox.world import World

_MOMENTS = frozenset({"created", "expires_at", "updated", "canceled_at", "available_on", "due_by"})


def _aged(value: object, seconds: int) -> object:
    if isinstance(value, list):
        return [_aged(item, seconds) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item - seconds if name in _MOMENTS and isinstance(item, int) else _aged(item, seconds)
        for name, item in value.items()
    }


def advance(world: World, seconds: int) -> Json:
    """Age every object, stored answer and waiting delivery by `seconds`, then do what became due."""
    store = world.store
    with store.transaction():
        for row in store.db.execute("SELECT id, data, private FROM objects").fetchall():
            data = _aged(json.loads(row["data"]), seconds)
            if isinstance(data, dict):
                store.save(data)
            private = encode(_aged(json.loads(row["private"]), seconds))
            store.db.execute("UPDATE objects SET private = ? WHERE id = ?", (private, row["id"]))
        store.db.execute("UPDATE idempotency SET created = created - ?", (seconds,))
        store.db.execute("UPDATE deliveries SET next_at = next_at - ? WHERE state = 'pending'", (seconds,))
        done = tick(world)
    world.dispatcher.wake()
    return done


def tick(world: World) -> Json:
    """Do what time alone does: sessions expire, idempotency keys are forgotten. Inside a transaction."""
    return {"expired_sessions": expire_due(world), "pruned_keys": world.keys.prune(world.now())}
