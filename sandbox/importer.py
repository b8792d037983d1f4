"""Past orders for demo data: finished sessions that appear without events or webhooks."""

from sandbox.errors import ApiError
from sandbox.ids import new_id
from sandbox.money import check_amount
from sandbox.resources.payments import Card, Method, capture, new_charge, new_intent
from sandbox.resources.refunds import new_refund
from sandbox.resources.sessions import line_item, session_object
from sandbox.store import Json
from sandbox.world import World

_SESSION_NAMES = frozenset(
    {"id", "payment_intent", "charge", "created", "amount_total", "currency", "status", "payment_status"}
    | {"client_reference_id", "metadata", "customer_email", "line_items", "card", "fee", "refunds"}
    | {"success_url", "cancel_url"}
)
_NEEDED = ("id", "created", "amount_total", "currency")


def import_objects(world: World, given: Json) -> Json:
    """Insert what is not there yet, by id; safe to repeat. Answers `{"imported": n, "skipped": m}`.

    ```
    {"products": [{"id", "name", "created"}],
     "prices":   [{"id", "product", "currency", "unit_amount", "created"}],
     "sessions": [{
        "id": "cs_test_...", "created": 1760000000, "amount_total": 1999, "currency": "usd",  # needed
        "status": "complete" | "expired",                      # complete
        "payment_status": "paid" | "no_payment_required",      # paid; no_payment_required for total 0
        "payment_intent": "pi_...", "charge": "ch_...",        # made up when left out
        "client_reference_id": "...", "metadata": {}, "customer_email": "...", "success_url", "cancel_url",
        "line_items": [{"description", "quantity", "unit_amount"}],  # one line over the total
        "card": {"brand": "visa", "last4": "4242"}, "fee": 88,  # minor units, else 2.9 % + 30
        "refunds": [{"id": "re_...", "amount": 500, "created": 1760003600,
                     "reason": null, "metadata": {}, "status": "succeeded"}]}]}
    ```
    Metadata goes onto session, PaymentIntent and charge. Times are seconds since the epoch.
    """
    imported = skipped = 0
    for kind, insert in (("products", _product), ("prices", _price), ("sessions", _session)):
        for item in given.get(kind, []):
            if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                raise ApiError(f"Each of {kind!r} is an object with an id.", param=kind)
            if world.store.exists(item["id"]):
                skipped += 1
            else:
                insert(world, item)
                imported += 1
    return {"imported": imported, "skipped": skipped}


def _need(item: Json, names: tuple[str, ...]) -> None:
    missing = [name for name in names if item.get(name) is None]
    if missing:
        raise ApiError(
            f"{item['id']}: missing {', '.join(missing)}.", code="parameter_missing", param=missing[0]
        )


def _unused(world: World, *ids: str | None) -> None:
    taken = [found for found in ids if found is not None and world.store.exists(found)]
    if taken:
        raise ApiError(f"{taken[0]} is another order's.", code="resource_already_exists", param="sessions")


def _product(world: World, item: Json) -> None:
    _need(item, ("name", "created"))
    world.store.insert(
        {
            "object": "product",
            "active": True,
            "livemode": False,
            "metadata": {},
            "images": [],
            "default_price": None,
        }
        | {"description": None, "type": "service", "updated": item["created"], **item}
    )


def _price(world: World, item: Json) -> None:
    _need(item, ("product", "currency", "unit_amount", "created"))
    world.store.insert(
        {
            "object": "price",
            "active": True,
            "livemode": False,
            "metadata": {},
            "type": "one_time",
            "recurring": None,
        }
        | {"billing_scheme": "per_unit", "unit_amount_decimal": str(item["unit_amount"]), **item}
    )


def _session(world: World, item: Json) -> None:
    _need(item, _NEEDED)
    unknown = sorted(set(item) - _SESSION_NAMES)
    if unknown:
        raise ApiError(
            f"{item['id']}: unknown {', '.join(unknown)}.", code="parameter_unknown", param=unknown[0]
        )
    total, currency, created = item["amount_total"], item["currency"].lower(), item["created"]
    check_amount(total, currency, "amount_total")
    session = session_object(
        world, item["id"], {**item, "allowed_payment_method_types": ["card"]}, currency, total
    )
    status = item.get("status", "complete")
    session.update(created=created, expires_at=created + 2400, status=status, url=None)
    if status == "complete":
        _finish(world, session, item)
    world.store.insert(session, {"line_items": _lines(item, currency), "images": []})


def _lines(item: Json, currency: str) -> list[Json]:
    given = item.get("line_items") or [
        {"description": "Order", "quantity": 1, "unit_amount": item["amount_total"]}
    ]
    return [
        line_item(
            {
                "id": new_id("price"),
                "object": "price",
                "currency": currency,
                "unit_amount": line["unit_amount"],
            },
            line["description"],
            line["quantity"],
        )
        for line in given
    ]


def _finish(world: World, session: Json, item: Json) -> None:
    email = item.get("customer_email")
    session["payment_status"] = item.get("payment_status") or (
        "paid" if session["amount_total"] else "no_payment_required"
    )
    session["customer_details"] = {
        "address": None,
        "email": email,
        "name": None,
        "phone": None,
        "tax_ids": [],
    }
    if session["payment_status"] != "paid":
        return
    _unused(world, item.get("payment_intent"), item.get("charge"))
    private: Json = {"payment_intent_data": {"metadata": session["metadata"]}}
    intent = new_intent(world, session, private, item.get("payment_intent"))
    card = item.get("card") or {}
    method = Method(card=Card(card.get("brand", "visa"), card.get("last4", "4242")))
    charge = new_charge(world, intent, method, email, item.get("charge"))
    created = session["created"]
    intent["created"] = charge["created"] = created
    capture(world, intent, charge, item.get("fee"), created)
    session["payment_intent"] = intent["id"]
    for refund in item.get("refunds", []):
        _need({"id": item["id"], **refund}, ("id", "amount", "created"))
        _unused(world, refund["id"])
        if refund["amount"] > charge["amount"] - charge["amount_refunded"]:
            raise ApiError(f"{refund['id']}: more than what is left of the charge.", param="refunds")
        new_refund(world, charge, refund, refund.get("status", "succeeded"))
