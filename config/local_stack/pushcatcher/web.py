"""The addresses of FCM, of Google's tokens, of a browser's push service; and ours, for tests and the demo."""

import asyncio
import base64
import contextlib
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from py_vapid import Vapid02
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from config.local_stack.pushcatcher.faults import FAULT_KINDS, Fault, Faults
from config.local_stack.pushcatcher.store import Browser, PushStore

PREFIXES = ("/token", "/v1/", "/push/", "/_push/")
_HANG_SECONDS, _LOOK_SECONDS = 60.0, 0.05
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
# FCM's HTTP status, Google's word for it, FCM's own code.
_FCM: dict[str, tuple[int, str, str]] = {
    "gone": (404, "NOT_FOUND", "UNREGISTERED"),
    "invalid": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    "too_large": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    "mismatch": (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    "apns_auth": (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
    "unauthorized": (401, "UNAUTHENTICATED", ""),
    "not_found": (404, "NOT_FOUND", ""),
    "quota": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    "internal": (500, "INTERNAL", "INTERNAL"),
    "unavailable": (503, "UNAVAILABLE", "UNAVAILABLE"),
    "redirect": (307, "", ""),
}
_WEBPUSH = {
    "gone": 410, "not_found": 404, "invalid": 400, "mismatch": 403, "apns_auth": 401, "unauthorized": 403,
    "too_large": 413, "quota": 429, "internal": 500, "unavailable": 503, "redirect": 307,
}  # fmt: skip
# RFC 8030, 7.2: more than this may be refused. FCM: the most of notification and data.
_LARGEST = 4096


def application(store: PushStore, faults: Faults) -> Starlette:
    """Build the application over a store and the ordered failures."""
    site = _Site(store, faults)
    return Starlette(
        routes=[
            Route("/token", site.token, methods=["POST"]),
            Route("/v1/projects/{project}/messages:send", site.fcm, methods=["POST"]),
            Route("/push/{browser}", site.webpush, methods=["POST"]),
            Route("/_push/browsers", site.subscribe, methods=["POST"]),
            Route("/_push/faults", site.order_faults, methods=["POST"]),
            Route("/_push/messages", site.messages),
            Route("/_push/elsewhere", site.elsewhere, methods=["GET", "POST"]),
        ],
        # Another site's name pointed at loopback must not read the messages.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


class _CutAnswer(Response):
    """An answer that promises more than it sends: the line ends in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class _Site:
    def __init__(self, store: PushStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._tokens: set[str] = set()

    # -- FCM ------------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        """Give a token for a signed assertion, as Google does (RFC 7523)."""
        form = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&") if "=" in pair)
        if "jwt-bearer" not in form.get("grant_type", "") or form.get("assertion", "").count(".") != 2:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = f"ya29.{secrets.token_urlsafe(40)}"
        self._tokens.add(token)
        self._faults.tokens_issued += 1
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def fcm(self, request: Request) -> Response:
        """Take a message, or fail as ordered."""
        self._faults.requests.append(f"{request.method} {request.url.path}")
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return _fcm_answer(Fault("unauthorized"))
        fault = self._faults.take()
        if refused := await self._refusal(fault):
            return refused if fault is None or fault.kind == "timeout" else _fcm_answer(fault)
        message = _message(await request.body())
        if message is None:
            return _fcm_answer(Fault("invalid"))
        words = message.get("notification", {})
        # What a device shows replaces what has its tag; a collapse key does not (FCM: collapsible messages).
        tag = str(message.get("android", {}).get("notification", {}).get("tag", "") or secrets.token_hex(8))
        self._store.add(
            service="FCM",
            device=str(message["token"]),
            tag=tag,
            title=str(words.get("title", "")),
            body=str(words.get("body", "")),
            payload=message,
            headers=dict(request.headers),
        )
        if fault is not None:
            return _CutAnswer()
        project = request.path_params["project"]
        return JSONResponse({"name": f"projects/{project}/messages/{secrets.token_hex(8)}"})

    # -- a push service ------------------------------------------------------------------------

    async def webpush(self, request: Request) -> Response:
        """Take a message for a browser (RFC 8030, 5), or fail as ordered."""
        self._faults.requests.append(f"{request.method} {request.url.path}")
        browser = self._store.browser(request.path_params["browser"])
        fault = self._faults.take()
        if refused := await self._refusal(fault):
            return refused if fault is None or fault.kind == "timeout" else _webpush_answer(fault)
        if browser is None or browser.is_gone:
            return Response(status_code=404 if browser is None else 410)
        body = await request.body()
        if wrong := _wrong(request, body):
            return wrong
        try:
            read = browser.read(body)
        except Exception as error:  # noqa: BLE001 whatever the library says, a browser could not read it
            return Response(f"not for this browser: {type(error).__name__}", status_code=400)
        self._keep(browser, read, request)
        if fault is not None:
            return _CutAnswer()
        return Response(status_code=201, headers={"Location": f"/messages/{secrets.token_hex(8)}"})

    def _keep(self, browser: Browser, read: dict[str, Any], request: Request) -> None:
        self._store.add(
            service="Web Push",
            device=browser.name,
            tag=request.headers.get("topic") or str(read.get("tag", "")),
            title=str(read.get("title", "")),
            body=str(read.get("body", "")),
            payload=read,
            headers=dict(request.headers),
        )

    async def _refusal(self, fault: Fault | None) -> Response | None:
        """Say whether nothing is taken: None when the message is, also if the line is cut afterwards."""
        if fault is None or fault.kind == "cut":
            return None
        if fault.kind == "timeout":
            self._faults.hanging.set()
            began, until = self._faults.cleared, time.monotonic() + _HANG_SECONDS
            while self._faults.cleared == began and time.monotonic() < until:
                await asyncio.sleep(_LOOK_SECONDS)
        return Response(status_code=500)

    # -- for tests and the demo ----------------------------------------------------------------

    async def subscribe(self, request: Request) -> Response:
        """Subscribe a browser that we play: ``{name}``."""
        with contextlib.suppress(ValueError, AttributeError):
            name = str(json.loads(await request.body()).get("name", ""))[:200]
            if name:
                browser = self._store.subscribe(name)
                base = f"http://{request.headers.get('host')}"
                return JSONResponse(
                    {"endpoint": f"{base}/push/{browser.id}", "keys": browser.keys}, status_code=201
                )
        return JSONResponse({"code": "invalid", "detail": "send {name: text}"}, status_code=400)

    async def order_faults(self, request: Request) -> Response:
        """Let the next messages fail: ``{kind, times?, retry_after?}``."""
        try:
            order = json.loads(await request.body())
            kind, times, wait = order["kind"], order.get("times", 1), order.get("retry_after")
        except (ValueError, TypeError, KeyError, AttributeError):
            kind, times, wait = None, 1, None
        if kind not in FAULT_KINDS or not isinstance(times, int) or not 0 <= times <= 1000:
            detail = f"send {{kind: one of {', '.join(FAULT_KINDS)}, times: 0 to 1000}}"
            return JSONResponse({"code": "invalid", "detail": detail}, status_code=400)
        self._faults.order(kind, times, retry_after=wait if isinstance(wait, int) else None)
        return JSONResponse({"kind": kind, "times": times})

    async def messages(self, request: Request) -> Response:
        """List what came, newest first."""
        found = self._store.newest(limit=200)
        shown = [{**vars(one), "received_at": one.received_at.isoformat()} for one in found]
        return JSONResponse({"count": self._store.count(), "results": shown})

    async def elsewhere(self, request: Request) -> Response:
        """Be where a redirect points: whoever comes here followed it."""
        self._faults.requests.append(f"{request.method} {request.url.path}")
        return JSONResponse({})


def _message(body: bytes) -> dict[str, Any] | None:
    """Return FCM's message, None for one that FCM would not take."""
    try:
        message: dict[str, Any] = json.loads(body)["message"]
        data = message.get("data", {})
        is_one = isinstance(message["token"], str) and all(isinstance(one, str) for one in data.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    payload = {name: message.get(name, {}) for name in ("notification", "data")}
    is_small = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) <= _LARGEST
    return message if is_one and is_small else None


def _wrong(request: Request, body: bytes) -> Response | None:
    """Return the refusal of a request that a push service would not take; None when it is right."""
    if not request.headers.get("ttl", "").isdigit() or request.headers.get("content-encoding") != "aes128gcm":
        return Response("TTL and Content-Encoding are needed", status_code=400)
    if len(request.headers.get("topic", "")) > 32:
        return Response("The topic is too long", status_code=400)
    if len(body) > _LARGEST:
        return Response("Too large", status_code=413)
    return None if _is_signed(request) else Response("BadJwtToken", status_code=403)


def _is_signed(request: Request) -> bool:
    """Say whether the signature is one, for us, and fresh (RFC 8292)."""
    authorization = request.headers.get("authorization", "")
    try:
        token = authorization.partition("t=")[2].partition(",")[0]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        is_good = Vapid02.verify(authorization)
    except Exception:  # noqa: BLE001 whatever is wrong with it, it is no signature
        return False
    is_ours = urlsplit(str(claims.get("aud"))).netloc == request.headers.get("host")
    is_fresh = time.time() < float(claims.get("exp", 0)) <= time.time() + 86_400
    return (
        bool(is_good)
        and is_ours
        and is_fresh
        and str(claims.get("sub", "")).startswith(("mailto:", "https:"))
    )


def _fcm_answer(fault: Fault) -> Response:
    status, word, code = _FCM[fault.kind]
    details = [{"@type": _FCM_ERROR, "errorCode": code}] if code else []
    error = {"code": status, "message": "Ordered fault", "status": word, "details": details}
    return JSONResponse({"error": error}, status_code=status, headers=_headers(fault, status))


def _webpush_answer(fault: Fault) -> Response:
    status = _WEBPUSH[fault.kind]
    return Response("Ordered fault", status_code=status, headers=_headers(fault, status))


def _headers(fault: Fault, status: int) -> dict[str, str]:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return {**headers, "Location": "/_push/elsewhere"} if status == 307 else headers
