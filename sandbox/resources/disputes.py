"""Disputes: made and decided by the bank, so only the control makes them; the API reads."""

from sandbox.endpoint import list_all, load, retrieve
from sandbox.errors import ApiError
from sandbox.ids import new_id
from sandbox.params import text
from sandbox.resources.balance import record_movement
from sandbox.store import Json
from sandbox.world import World

KIND = "dispute"
FEE = 1500
EVIDENCE_SECONDS = 7 * 24 * 3600


def new_dispute(world: World, charge: Json, amount: int, reason: str, *, inquiry: bool = False) -> Json:
    """Store and return a dispute; an inquiry (`warning_...`) moves no money."""
    created = world.now()
    dispute: Json = {
        "id": new_id("dp"),
        "object": KIND,
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": created + EVIDENCE_SECONDS,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": charge["livemode"],
        "metadata": {},
        "network_reason_code": None,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    world.store.insert(dispute)
    return dispute


def open_dispute(world: World, charge: Json, amount: int | None, reason: str, *, inquiry: bool) -> Json:
    """The buyer's bank takes the money back (or asks, for an inquiry)."""
    earlier = world.store.of_payment(KIND, charge["payment_intent"])
    if charge["status"] != "succeeded" or not all(_is_closed(dispute) for dispute in earlier):
        raise ApiError(f"Charge {charge['id']} cannot be disputed.", status=409)
    disputed = charge["amount"] if amount is None else amount
    if not 0 < disputed <= charge["amount"]:
        raise ApiError("The disputed amount must lie between 1 and the charge's amount.", param="amount")
    dispute = new_dispute(world, charge, disputed, reason, inquiry=inquiry)
    if not inquiry:
        charge["disputed"] = True
        world.store.save(charge)
        dispute["balance_transactions"].append(record_movement(world, dispute, -disputed, FEE, "dispute"))
        world.store.save(dispute)
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move(world: World, charge: Json, status: str) -> Json:
    found = [
        dispute
        for dispute in world.store.of_payment(KIND, charge["payment_intent"])
        if not _is_closed(dispute)
    ]
    if not found:
        raise ApiError(f"Charge {charge['id']} has no open dispute.", status=409)
    dispute = found[-1]
    dispute["status"] = status
    return dispute


def _is_closed(dispute: Json) -> bool:
    return dispute["status"] in {"won", "lost", "warning_closed"}


def review_dispute(world: World, charge: Json) -> Json:
    """Evidence was handed in and is under review."""
    dispute = _move(world, charge, "under_review")
    dispute["evidence_details"].update(has_evidence=True, submission_count=1)
    world.store.save(dispute)
    world.emit("charge.dispute.updated", dispute, previous={"status": "needs_response"})
    return dispute


def close_dispute(world: World, charge: Json, status: str) -> Json:
    """The bank decided: won gives the money back, lost keeps it away, warning_closed ends an inquiry."""
    dispute = _move(world, charge, status)
    if status == "won":
        movement = record_movement(world, dispute, dispute["amount"], 0, "dispute_reversal")
        dispute["balance_transactions"].append(movement)
    world.store.save(dispute)
    world.emit("charge.dispute.closed", dispute)
    if status == "won":
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def charge_of_payment(world: World, payment_intent: str) -> Json:
    """The latest charge of a PaymentIntent, for the control."""
    intent = load(world, "payment_intent", payment_intent)
    if intent["latest_charge"] is None:
        raise ApiError(f"PaymentIntent {payment_intent} has no charge.", status=409)
    return load(world, "charge", intent["latest_charge"])


ENDPOINTS = (
    retrieve(KIND, "/disputes"),
    list_all(KIND, "/disputes", {"payment_intent": text(255), "charge": text(255)}),
)
