"""`/_sandbox`: what a test or a developer may do to the sandbox that nobody could do to Stripe.

Bodies are JSON objects, all names in them optional unless marked !; unknown names are refused. Errors have
Stripe's shape. GET reads, POST acts:

    GET  health                               {"status": "ok", "base_url"}
    POST sessions/{id}/pay                    {brand, last4, email}
    POST sessions/{id}/decline                {brand, last4}
    POST sessions/{id}/pay_later              {email, force}; force: also where only cards are taken
    POST sessions/{id}/settle | fail          ends a pay_later
    POST sessions/{id}/expire
    POST sessions/{id}/tamper                 {amount_total, currency, livemode}; without any event
    POST charges/{payment_intent}/refund      {amount, reason}; as from Stripe's dashboard
    POST charges/{payment_intent}/dispute     {amount, reason, inquiry}
    POST charges/{payment_intent}/dispute/review
    POST charges/{payment_intent}/dispute/close   {status!: won | lost | warning_closed}
    POST refunds/{id}/succeed | fail | cancel     ends a pending refund
    POST faults                               {api, webhooks, refunds, times, path_prefix, method, event_type,
                                              delay_seconds, reset}; times null: until reset; {}: show them
    POST clock                                {advance_seconds!}
    GET  requests, GET deliveries             newest first
    POST deliveries/flush                     {timeout_seconds}; all due now, waits until none is
    GET  events/{id}/signed                   {"body", "stripe_signature"}
    POST webhooks                             {urls}; endpoints of later events, until the next start
    POST import                               see `sandbox.importer.import_objects`
    POST reset
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import checkout
from sandbox.checkout import expire_due
from sandbox.clock import advance
from sandbox.delivery import event_body, signature_header
from sandbox.endpoint import load
from sandbox.errors import ApiError
from sandbox.faults import ApiFault, RefundFault, WebhookFault
from sandbox.importer import import_objects
from sandbox.resources import disputes, refunds
from sandbox.resources.payments import Card, Method
from sandbox.store import Json
from sandbox.world import World

Handler: TypeAlias = Callable[[World, Mapping[str, str], Json], Json | Awaitable[Json]]

FLUSH_SECONDS = 30.0
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("brand", "last4", "email", "reason", "status", "currency", "api", "webhooks", "refunds"), (str,)
    ),
    **dict.fromkeys(("path_prefix", "event_type", "method"), (str,)),
    **dict.fromkeys(("livemode", "force", "inquiry", "reset"), (bool,)),
    **dict.fromkeys(("amount", "amount_total", "advance_seconds"), (int,)),
    "times": (int, type(None)),
    **dict.fromkeys(("delay_seconds", "timeout_seconds"), (int, float)),
    **dict.fromkeys(("urls", "sessions", "products", "prices"), (list,)),
}


def _refused(message: str) -> ApiError:
    return ApiError(message, status=400)


async def _body(request: Request, allowed: tuple[str, ...]) -> Json:
    raw = await request.body()
    try:
        given = json.loads(raw) if raw else {}
    except ValueError as error:
        raise _refused("The body is not JSON.") from error
    if not isinstance(given, dict):
        raise _refused("The body must be a JSON object.")
    for name, value in given.items():
        if name not in allowed:
            raise _refused(f"Unknown name {name!r}; allowed: {', '.join(allowed) or 'none'}.")
        if not isinstance(value, _TYPES[name]) or (isinstance(value, bool) and bool not in _TYPES[name]):
            raise _refused(f"{name!r} has the wrong type.")
    return given


def _route(world: World, method: str, path: str, handler: Handler, allowed: tuple[str, ...] = ()) -> Route:
    async def handle(request: Request) -> Response:
        try:
            outcome = handler(world, request.path_params, await _body(request, allowed))
            return JSONResponse(await outcome if isinstance(outcome, Awaitable) else outcome)
        except ApiError as error:
            return JSONResponse(error.body(), error.status)

    return Route(f"/_sandbox{path}", handle, methods=[method])


def method_of(given: Json) -> Method:
    """The card named by `brand` and `last4`, or the usual one."""
    usual = Card()
    return Method(card=Card(given.get("brand", usual.brand), given.get("last4", usual.last4)))


def _session_step(world: World, names: Mapping[str, str], given: Json) -> Json:
    steps: dict[str, Callable[[], Json]] = {
        "pay": lambda: checkout.pay(world, names["id"], method_of(given), given.get("email")),
        "decline": lambda: checkout.decline(world, names["id"], method_of(given)),
        "pay_later": lambda: checkout.pay_later(
            world, names["id"], given.get("email"), force=given.get("force", False)
        ),
        "settle": lambda: checkout.settle(world, names["id"]),
        "fail": lambda: checkout.fail(world, names["id"]),
        "expire": lambda: checkout.expire_session(world, names["id"]),
    }
    if names["step"] not in steps:
        raise ApiError(f"Unknown step {names['step']!r}; there are {', '.join(steps)}.", status=404)
    with world.store.transaction():
        expire_due(world)
    with world.store.transaction():
        return steps[names["step"]]()


def _tamper(world: World, names: Mapping[str, str], given: Json) -> Json:
    with world.store.transaction():
        session = load(world, checkout.KIND, names["id"])
        session.update(given)
        world.store.save(session)
    return session


def _dispute(world: World, names: Mapping[str, str], given: Json) -> Json:
    with world.store.transaction():
        charge = disputes.charge_of_payment(world, names["intent"])
        return disputes.open_dispute(
            world,
            charge,
            given.get("amount"),
            given.get("reason", "fraudulent"),
            inquiry=given.get("inquiry", False),
        )


def _review(world: World, names: Mapping[str, str], _: Json) -> Json:
    with world.store.transaction():
        return disputes.review_dispute(world, disputes.charge_of_payment(world, names["intent"]))


def _close(world: World, names: Mapping[str, str], given: Json) -> Json:
    status = given.get("status")
    if status not in {"won", "lost", "warning_closed"}:
        raise _refused("'status' must be won, lost or warning_closed.")
    with world.store.transaction():
        return disputes.close_dispute(world, disputes.charge_of_payment(world, names["intent"]), status)


def _refund(world: World, names: Mapping[str, str], given: Json) -> Json:
    if given.get("amount", 1) < 1:
        raise _refused("'amount' must be at least 1.")
    with world.store.transaction():
        return refunds.make_refund(world, {**given, "payment_intent": names["intent"]})


def _finish_refund(world: World, names: Mapping[str, str], _: Json) -> Json:
    outcomes = {"succeed": "succeeded", "fail": "failed", "cancel": "canceled"}
    if names["step"] not in outcomes:
        raise ApiError(f"Unknown step {names['step']!r}; there are {', '.join(outcomes)}.", status=404)
    with world.store.transaction():
        return refunds.finish_refund(world, names["id"], outcomes[names["step"]])


def _add_faults(world: World, _: Mapping[str, str], given: Json) -> Json:
    wanted = {"api": ApiFault, "webhooks": WebhookFault, "refunds": RefundFault}
    for target, modes in wanted.items():
        if target in given and given[target] not in list(modes):
            raise _refused(f"{target!r} must be one of {', '.join(modes)}.")
    times = given.get("times", 1)
    if times is not None and times < 1:
        raise _refused("'times' must be at least 1, or null for always.")
    with world.store.transaction():
        if given.get("reset"):
            world.faults.reset()
        for target in wanted:
            if target in given:
                prefix = given.get({"api": "path_prefix", "webhooks": "event_type"}.get(target, ""), "")
                method = given.get("method") if target == "api" else None
                delay = float(given.get("delay_seconds", 5))
                world.faults.add(target, given[target], times, prefix, method and method.upper(), delay)
    return {"faults": world.faults.active()}


def _clock(world: World, _: Mapping[str, str], given: Json) -> Json:
    seconds = given.get("advance_seconds", 0)
    if seconds < 1:
        raise _refused("'advance_seconds' must be at least 1: time does not go back.")
    return advance(world, seconds)


def _webhooks(world: World, _: Mapping[str, str], given: Json) -> Json:
    if not all(isinstance(url, str) for url in given.get("urls", [])):
        raise _refused("'urls' must be a list of addresses.")
    if "urls" in given:
        world.outbox.urls = tuple(given["urls"])
    return {"urls": list(world.outbox.urls)}


def _deliveries(world: World, _: Mapping[str, str], __: Json) -> Json:
    now = time.time()
    rows = world.outbox.rows(1000)
    for row in rows:
        due = row.pop("next_at")
        row["due_in_seconds"] = round(max(0.0, due - now), 3) if row["state"] == "pending" else None
    return {"counts": world.outbox.counts(), "deliveries": rows}


async def _flush(world: World, _: Mapping[str, str], given: Json) -> Json:
    with world.store.transaction():
        world.outbox.make_all_due()
    idle = await world.dispatcher.idle(float(given.get("timeout_seconds", FLUSH_SECONDS)))
    return {"idle": idle, **world.outbox.counts()}


def _signed(world: World, names: Mapping[str, str], _: Json) -> Json:
    body = event_body(load(world, "event", names["id"]))
    return {
        "body": body.decode(),
        "stripe_signature": signature_header(world.settings.webhook_secret, body, int(time.time())),
    }


async def _reset(world: World, _: Mapping[str, str], __: Json) -> Json:
    # What is on its way arrives before the slate is clean, so it cannot disturb whoever comes next;
    # what is only owed is forgotten first.
    world.outbox.clear()
    await world.dispatcher.drain(2.0)
    world.store.reset()
    world.requests.clear()
    return {"reset": True}


def _import(world: World, _: Mapping[str, str], given: Json) -> Json:
    with world.store.transaction():
        return import_objects(world, given)


def _health(world: World, _: Mapping[str, str], __: Json) -> Json:
    return {"status": "ok", "base_url": world.base_url}


def _requests(world: World, _: Mapping[str, str], __: Json) -> Json:
    return {"requests": list(world.requests)[::-1]}


def control_routes(world: World) -> list[Route]:
    """All routes of the control."""
    fault_names: Any = (
        "api",
        "webhooks",
        "refunds",
        "times",
        "path_prefix",
        "method",
        "event_type",
        "delay_seconds",
    )
    return [
        _route(world, "GET", "/health", _health),
        _route(world, "POST", "/sessions/{id}/tamper", _tamper, ("amount_total", "currency", "livemode")),
        _route(world, "POST", "/sessions/{id}/{step}", _session_step, ("brand", "last4", "email", "force")),
        _route(world, "POST", "/charges/{intent}/dispute", _dispute, ("amount", "reason", "inquiry")),
        _route(world, "POST", "/charges/{intent}/dispute/review", _review),
        _route(world, "POST", "/charges/{intent}/dispute/close", _close, ("status",)),
        _route(world, "POST", "/charges/{intent}/refund", _refund, ("amount", "reason")),
        _route(world, "POST", "/refunds/{id}/{step}", _finish_refund),
        _route(world, "POST", "/faults", _add_faults, (*fault_names, "reset")),
        _route(world, "GET", "/faults", lambda world, _, __: {"faults": world.faults.active()}),
        _route(world, "POST", "/clock", _clock, ("advance_seconds",)),
        _route(world, "GET", "/requests", _requests),
        _route(world, "GET", "/deliveries", _deliveries),
        _route(world, "POST", "/deliveries/flush", _flush, ("timeout_seconds",)),
        _route(world, "GET", "/events/{id}/signed", _signed),
        _route(world, "POST", "/webhooks", _webhooks, ("urls",)),
        _route(world, "POST", "/import", _import, ("sessions", "products", "prices")),
        _route(world, "POST", "/reset", _reset),
    ]
