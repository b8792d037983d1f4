"""Balance transactions: what each movement cost and left."""

from sandbox.endpoint import retrieve
from sandbox.ids import new_id
from sandbox.store import Json
from sandbox.world import World

KIND = "balance_transaction"
SETTLED_AFTER_SECONDS = 2 * 24 * 3600


def record_movement(
    world: World, source: Json, amount: int, fee: int, category: str, created: int | None = None
) -> Json:
    """Store and return the movement `amount` (minor units, negative when money leaves) caused by `source`."""
    moment = world.now() if created is None else created
    movement: Json = {
        "id": new_id("txn"),
        "object": KIND,
        "amount": amount,
        "available_on": moment + SETTLED_AFTER_SECONDS,
        "balance_type": "payments",
        "created": moment,
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [_fee_detail(fee, source["currency"])] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": "adjustment" if category.startswith("dispute") else category,
    }
    world.store.insert(movement)
    return movement


def _fee_detail(fee: int, currency: str) -> Json:
    return {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


ENDPOINTS = (retrieve(KIND, "/balance_transactions"),)
