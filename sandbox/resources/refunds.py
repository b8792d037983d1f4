"""Refunds: never above what is left of the charge; pending ones count, failed ones give their amount back."""

from sandbox.endpoint import Endpoint, list_all, load, merged_metadata, retrieve
from sandbox.errors import ApiError
from sandbox.faults import RefundFault
from sandbox.ids import new_id
from sandbox.money import format_money
from sandbox.params import Field, choice, integer, metadata, text
from sandbox.resources.balance import record_movement
from sandbox.store import Json
from sandbox.world import NOBODY, Origin, World

KIND = "refund"
_FIELDS: dict[str, Field] = {
    "amount": integer(1),
    "charge": text(255),
    "payment_intent": text(255),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata,
}


def charge_of(world: World, params: Json) -> Json:
    """The charge named by `charge` or `payment_intent`; raises when neither or a missing one is named."""
    if "charge" in params:
        return load(world, "charge", params["charge"], param="charge", in_path=False)
    if "payment_intent" not in params:
        raise ApiError(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    intent = load(world, "payment_intent", params["payment_intent"], param="payment_intent", in_path=False)
    if intent["latest_charge"] is None:
        raise ApiError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", executed=True
        )
    return load(world, "charge", intent["latest_charge"], param="charge", in_path=False)


def _left(world: World, charge: Json) -> int:
    """What neither went back nor is in the bank's hands.

    An inquiry moves no money and a dispute that was won gave it back; while one is open nothing can be refunded, and
    what a lost one took never.
    """
    disputes = world.store.of_payment("dispute", charge["payment_intent"])
    if any(dispute["status"] in {"needs_response", "under_review"} for dispute in disputes):
        return 0
    lost = sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost")
    return int(max(0, charge["amount"] - charge["amount_refunded"] - lost))


def _check(world: World, charge: Json, amount: int) -> None:
    left = _left(world, charge)
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {charge['id']} has not succeeded and cannot be refunded.", executed=True)
    if not left and charge["amount_refunded"] < charge["amount"]:
        raise ApiError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            executed=True,
        )
    if left == 0:
        raise ApiError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", executed=True
        )
    if amount > left:
        raise ApiError(
            f"Refund amount ({format_money(amount, charge['currency'])}) is greater than unrefunded amount "
            f"on charge ({format_money(left, charge['currency'])})",
            param="amount",
            executed=True,
        )


def new_refund(world: World, charge: Json, params: Json, status: str) -> Json:
    """Store and return a refund of `params["amount"]` and count it on the charge."""
    refund: Json = {
        "id": params.get("id") or new_id("re"),
        "object": KIND,
        "amount": params["amount"],
        "balance_transaction": None,
        "charge": charge["id"],
        "created": params.get("created", world.now()),
        "currency": charge["currency"],
        "destination_details": {"type": charge["payment_method_details"]["type"]},
        "metadata": merged_metadata({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "pending":
        refund["pending_reason"] = "processing"
    movement = record_movement(world, refund, -refund["amount"], 0, "refund", refund["created"])
    refund["balance_transaction"] = movement["id"]
    world.store.insert(refund)
    _count(world, charge, refund["amount"])
    return refund


def _count(world: World, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.store.save(charge)


def make_refund(world: World, params: Json, origin: Origin = NOBODY) -> Json:
    """Refund the charge, whole or `amount`, through the API or as from Stripe's dashboard."""
    charge = charge_of(world, params)
    amount = params.get("amount", _left(world, charge))
    _check(world, charge, amount)
    fault = world.faults.take("refunds", tuple(RefundFault), charge["id"])
    before = charge["amount_refunded"]
    refund = new_refund(world, charge, {**params, "amount": amount}, "pending" if fault else "succeeded")
    world.emit("refund.created", refund, origin)
    world.emit("charge.refunded", charge, origin, {"amount_refunded": before})
    if fault and fault.mode == RefundFault.FAILED:
        refund = finish_refund(world, refund["id"], "failed")
    return refund


def finish_refund(world: World, refund_id: str, status: str) -> Json:
    """End a pending refund: succeeded, failed or canceled; the last two give the charge its amount back."""
    refund = load(world, KIND, refund_id)
    if refund["status"] != "pending":
        raise ApiError(f"Refund {refund_id} is {refund['status']}, not pending.", status=409, executed=True)
    refund.pop("pending_reason", None)
    refund["status"] = status
    if status != "succeeded":
        charge = load(world, "charge", refund["charge"])
        movement = record_movement(world, refund, refund["amount"], 0, "refund_failure")
        refund["failure_balance_transaction"] = movement["id"]
        _count(world, charge, -refund["amount"])
    if status == "failed":
        refund["failure_reason"] = "expired_or_canceled_card"
    world.store.save(refund)
    if status == "failed":
        world.emit("refund.failed", refund)
    world.emit("refund.updated", refund, previous={"status": "pending"})
    return refund


ENDPOINTS = (
    Endpoint("POST", "/refunds", lambda world, call: make_refund(world, call.params, call.origin), _FIELDS),
    retrieve(KIND, "/refunds"),
    list_all(KIND, "/refunds", {"payment_intent": text(255), "charge": text(255)}),
)
