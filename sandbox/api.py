"""Stripe's HTTP v1: authentication, faults, idempotency, checking, execution, and the answer."""

import asyncio
import base64
import binascii
import re
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.checkout import expire_due
from sandbox.connection import hang, hang_up
from sandbox.endpoint import Call, Endpoint
from sandbox.errors import ApiError, server_error
from sandbox.expand import expand
from sandbox.faults import AFTER, BEFORE, DURING, ApiFault, Fault
from sandbox.forms import parse_form
from sandbox.idempotency import StoredAnswer, fingerprint
from sandbox.ids import new_id
from sandbox.params import list_of, parse_parameters, text
from sandbox.requestlog import entry_of
from sandbox.resources import balance, disputes, events, payments, prices, products, refunds, sessions
from sandbox.store import Json, encode
from sandbox.world import Origin, World

ENDPOINTS: tuple[Endpoint, ...] = (
    *products.ENDPOINTS,
    *prices.ENDPOINTS,
    *sessions.ENDPOINTS,
    *payments.ENDPOINTS,
    *refunds.ENDPOINTS,
    *disputes.ENDPOINTS,
    *events.ENDPOINTS,
    *balance.ENDPOINTS,
)
_TEST_KEY = re.compile(r"^[sr]k_test_\w+$")
_EXPAND = {"expand": list_of(text(200), 50)}


@dataclass(frozen=True)
class Answer:
    """Status and body; `replayed_from` is the request whose stored answer this is."""

    status: int
    body: bytes
    replayed_from: str | None = None


def _answer_of(error: ApiError, request_id: str) -> Answer:
    body = error.body()
    body["error"]["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
    return Answer(error.status, encode(body).encode())


def _given_key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def check_key(header: str) -> str:
    """The test key of the `Authorization` header; raises 401 for none, a live or a malformed one."""
    key = _given_key(header)
    if not key:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not _TEST_KEY.match(key):
        raise ApiError(f"Invalid API Key provided: {key[:8]}****", status=401)
    return key


class ApiCall:
    """One request on its way through the API."""

    def __init__(self, world: World, endpoint: Endpoint | None, request: Request) -> None:
        self.world = world
        self.endpoint = endpoint
        self.request = request
        self.method = request.method
        self.path = request.url.path
        self.request_id = new_id("req")
        self.key: str | None = None
        self.raw = b""

    async def respond(self) -> Response:
        """Answer, or hang, or cut the connection, as the faults in force want it."""
        started = time.perf_counter()
        body = await self.request.body()
        self.raw = body if self.method == "POST" else self.request.url.query.encode()
        if self.method == "POST":
            self.key = self.request.headers.get("idempotency-key") or None
        entry = entry_of(self.request, self.request_id, self.raw, self.key)
        self.world.requests.append(entry)
        try:
            answer, fault = await self._answer()
        except ApiError as error:
            answer, fault = _answer_of(error, self.request_id), None
        outcome = await self._deliver(answer, fault)
        entry.update(
            status=answer.status if fault is None or fault.mode not in {*AFTER, ApiFault.TIMEOUT} else None,
            fault=fault.mode if fault else None,
            replayed=answer.replayed_from is not None,
            duration_ms=round((time.perf_counter() - started) * 1000, 3),
        )
        return outcome

    async def _answer(self) -> tuple[Answer, Fault | None]:
        check_key(self.request.headers.get("authorization", ""))
        fault = self._take(BEFORE)
        if fault is not None and fault.mode != ApiFault.DELAY:
            return self._refused_by(fault), fault
        print_ = fingerprint(self.method, self.path, self.raw)
        stored = self.world.keys.find(self.key, print_) if self.key else None
        if stored is not None:
            return Answer(stored.status, stored.body, stored.request_id), self._take(AFTER)
        if fault is not None:
            await self._wait(fault.delay_seconds)
        answer, struck = self._execute(print_)
        return answer, struck or fault

    async def _wait(self, seconds: float) -> None:
        """A slow execution: its idempotency key is in use meanwhile."""
        if self.key:
            self.world.keys.in_flight.add(self.key)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.world.keys.in_flight.discard(self.key or "")

    def _take(self, modes: tuple[ApiFault, ...]) -> Fault | None:
        return self.world.faults.take("api", tuple(modes), self.path, self.method)

    def _refused_by(self, fault: Fault) -> Answer:
        if fault.mode == ApiFault.RATE_LIMIT:
            error = ApiError(
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://docs.stripe.com/rate-limits.",
                code="rate_limit",
                status=429,
            )
            return _answer_of(error, self.request_id)
        return _answer_of(server_error(), self.request_id)

    def _execute(self, print_: str) -> tuple[Answer, Fault | None]:
        """Check and do the work; what the execution came to is stored under the idempotency key."""
        endpoint, call, paths = self._checked()
        during = self._take(DURING)
        try:
            with self.world.store.transaction():
                if during is not None and during.mode == ApiFault.ERROR:
                    raise server_error(executed=True)
                result: Json = expand(self.world, endpoint.run(self.world, call), paths)
                answer = Answer(200, encode(result).encode())
                if during is not None:
                    answer = _answer_of(server_error(), self.request_id)
                self._keep(answer, print_)
        except ApiError as error:
            answer = _answer_of(error, self.request_id)
            if error.executed:
                self._keep(answer, print_)
            return answer, during
        return answer, during or self._take(AFTER)

    def _checked(self) -> tuple[Endpoint, Call, list[str]]:
        endpoint = self.endpoint
        if endpoint is None:
            raise ApiError(
                f"Unrecognized request URL ({self.method}: {self.path}). The sandbox has no such endpoint.",
                status=404,
            )
        with self.world.store.transaction():
            expire_due(self.world)
        params = parse_parameters(parse_form(self.raw), {**endpoint.fields, **_EXPAND}, endpoint.required)
        paths = params.pop("expand", [])
        return endpoint, Call(self.request.path_params, params, Origin(self.request_id, self.key)), paths

    def _keep(self, answer: Answer, print_: str) -> None:
        if self.key:
            stored = StoredAnswer(self.request_id, answer.status, answer.body)
            self.world.keys.keep(self.key, print_, stored, self.world.now())

    async def _deliver(self, answer: Answer, fault: Fault | None) -> Response:
        if fault is not None and fault.mode in {ApiFault.TIMEOUT, ApiFault.TIMEOUT_AFTER_COMMIT}:
            return await hang(self.request, self.world.closing)
        if fault is not None and fault.mode == ApiFault.CUT_AFTER_COMMIT:
            return await hang_up(self.request)
        headers = {
            "Request-Id": self.request_id,
            "Stripe-Version": self.request.headers.get("stripe-version", ""),
        }
        if self.key:
            headers["Idempotency-Key"] = self.key
            headers["Original-Request"] = answer.replayed_from or self.request_id
        if answer.replayed_from:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer.body, answer.status, headers, media_type="application/json")


def _route(world: World, endpoint: Endpoint) -> Route:
    async def handle(request: Request) -> Response:
        return await ApiCall(world, endpoint, request).respond()

    return Route(f"/v1{endpoint.path}", handle, methods=[endpoint.method])


def api_routes(world: World) -> list[Route]:
    """All endpoints, and Stripe's 404 for the rest of /v1."""

    async def unknown(request: Request) -> Response:
        return await ApiCall(world, None, request).respond()

    rest = Route("/v1/{rest:path}", unknown, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    return [*(_route(world, endpoint) for endpoint in ENDPOINTS), rest]
