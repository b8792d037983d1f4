"""What happens to a Checkout Session: paid, declined, paid later, settled, failed, expired.

Each function is one step of the state machine, makes the events that Stripe makes, and runs inside the
caller's transaction. A step that the session's state does not allow raises `ApiError` and changes nothing.
"""

from sandbox.endpoint import load
from sandbox.errors import ApiError
from sandbox.resources.payments import Method, capture, new_charge, new_intent, refuse
from sandbox.resources.session_params import DELAYED
from sandbox.store import Json
from sandbox.world import NOBODY, Origin, World

KIND = "checkout.session"
DECLINED = "Your card was declined."


def _in_status(world: World, session_id: str, status: str, act: str) -> Json:
    session = load(world, KIND, session_id)
    if session["status"] != status:
        raise ApiError(
            f'Only Checkout Sessions with a status in ["{status}"] can be {act}. '
            f"This Checkout Session has a status of `{session['status']}`.",
            executed=True,
        )
    return session


def _intent_of(world: World, session: Json) -> Json:
    """The session's PaymentIntent, made at the first attempt to pay and used again after a decline."""
    if session["payment_intent"] is not None:
        return load(world, "payment_intent", session["payment_intent"])
    intent = new_intent(world, session, world.store.private(session["id"]))
    session["payment_intent"] = intent["id"]
    return intent


def _complete(session: Json, payment_status: str, email: str | None) -> None:
    known = email or session["customer_email"] or "buyer@example.com"
    session.update(
        status="complete",
        payment_status=payment_status,
        url=None,
        customer_details={"address": None, "email": known, "name": None, "phone": None, "tax_ids": []},
    )


def pay(world: World, session_id: str, method: Method | None = None, email: str | None = None) -> Json:
    """Pay at once; a session over nothing completes without a payment."""
    session = _in_status(world, session_id, "open", "paid")
    if session["amount_total"] == 0:
        _complete(session, "no_payment_required", email)
        world.store.save(session)
        world.emit("checkout.session.completed", session)
        return session
    intent = _intent_of(world, session)
    _complete(session, "paid", email)
    charge = new_charge(world, intent, method or Method(), session["customer_details"]["email"])
    capture(world, intent, charge)
    world.store.save(session)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    world.emit("checkout.session.completed", session)
    return session


def decline(world: World, session_id: str, method: Method | None = None) -> Json:
    """The bank declines the card; the session stays open for another try."""
    session = _in_status(world, session_id, "open", "declined")
    if session["amount_total"] == 0:
        raise ApiError("A session over nothing has no payment to decline.", status=409)
    intent = _intent_of(world, session)
    charge = new_charge(world, intent, method or Method(), session["customer_email"])
    refuse(world, intent, charge, "card_declined", DECLINED)
    world.store.save(session)
    world.emit("payment_intent.payment_failed", intent)
    return session


def delayed_method(session: Json) -> str | None:
    """The method of this session whose money arrives later, if it takes one."""
    if session["amount_total"] == 0:
        return None
    return next((method for method in session["payment_method_types"] if method in DELAYED), None)


def pay_later(world: World, session_id: str, email: str | None = None, *, force: bool = False) -> Json:
    """Complete unpaid with a delayed method; `force` does so on a session that takes cards only."""
    session = _in_status(world, session_id, "open", "paid later")
    kind = delayed_method(session) or ("us_bank_account" if force and session["amount_total"] else None)
    if kind is None:
        raise ApiError("This session takes no delayed payment method.", status=409)
    intent = _intent_of(world, session)
    _complete(session, "unpaid", email)
    new_charge(world, intent, Method(kind=kind), session["customer_details"]["email"])
    intent["status"] = "processing"
    world.store.save(intent)
    world.store.save(session)
    world.emit("checkout.session.completed", session)
    return session


def _processing(world: World, session_id: str, act: str) -> tuple[Json, Json, Json]:
    session = _in_status(world, session_id, "complete", act)
    if session["payment_status"] != "unpaid":
        raise ApiError(
            f"This Checkout Session is {session['payment_status']}: nothing can be {act}.", status=409
        )
    intent = load(world, "payment_intent", session["payment_intent"])
    if intent["status"] != "processing":
        raise ApiError(f"The payment of this session has a status of `{intent['status']}`.", status=409)
    return session, intent, load(world, "charge", intent["latest_charge"])


def settle(world: World, session_id: str) -> Json:
    """The delayed money arrived."""
    session, intent, charge = _processing(world, session_id, "settled")
    capture(world, intent, charge)
    session["payment_status"] = "paid"
    world.store.save(session)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    world.emit("checkout.session.async_payment_succeeded", session)
    return session


def fail(world: World, session_id: str) -> Json:
    """The delayed money will not come; the session stays complete and unpaid."""
    session, intent, charge = _processing(world, session_id, "failed")
    refuse(world, intent, charge, "payment_intent_payment_attempt_failed", "The payment failed.")
    world.emit("payment_intent.payment_failed", intent)
    world.emit("checkout.session.async_payment_failed", session)
    return session


def expire_session(world: World, session_id: str, origin: Origin = NOBODY) -> Json:
    """Close an open session for good; a PaymentIntent of a declined attempt is cancelled with it."""
    session = _in_status(world, session_id, "open", "expired")
    session.update(status="expired", url=None)
    if session["payment_intent"] is not None:
        intent = load(world, "payment_intent", session["payment_intent"])
        intent.update(status="canceled", canceled_at=world.now(), cancellation_reason="expired")
        world.store.save(intent)
    world.store.save(session)
    world.emit("checkout.session.expired", session, origin)
    return session


def expire_due(world: World) -> int:
    """Expire the open sessions whose time is over; how many they were."""
    due = world.store.due_sessions(world.now())
    for session_id in due:
        expire_session(world, session_id)
    return len(due)
