"""The page and the small API of the mail catcher."""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from config.local_stack.mailcatcher import pages
from config.local_stack.mailcatcher.smtp import FAULT_KINDS, Faults
from config.local_stack.mailcatcher.store import MailStore, Message
from config.local_stack.mailcatcher.telling import KINDS, Teller
from config.local_stack.pushcatcher import pages as push_pages
from config.local_stack.pushcatcher import web as push_web
from config.local_stack.pushcatcher.faults import Faults as PushFaults
from config.local_stack.pushcatcher.store import PushStore

_PAGE_SIZE, _MOST_FAULTS, _SHOWN_PUSHES = 50, 1000, 20
_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A caught message may bring its own styles and pictures, but no script, form or navigation of ours.
_MESSAGE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; "
    "frame-ancestors 'self'"
)


def application(
    store: MailStore, faults: Faults, pushes: PushStore, push_faults: PushFaults, teller: Teller | None = None
) -> ASGIApp:
    """Build the application over the stores and the ordered faults: pages of both, and the push providers' doors.

    With a ``teller`` the page of a message has buttons that tell the product what became of it.
    """
    doors = push_web.application(pushes, push_faults)
    shown = _pages(_Site(store, faults, pushes, teller))

    async def by_path(scope: Scope, receive: Receive, send: Send) -> None:
        is_door = scope["type"] == "http" and scope["path"].startswith(push_web.PREFIXES)
        await (doors if is_door else shown)(scope, receive, send)

    return by_path


def _pages(site: "_Site") -> Starlette:
    return Starlette(
        routes=[
            Route("/", site.index),
            Route("/clear", site.clear, methods=["POST"]),
            Route("/style.css", site.style),
            Route("/messages/{number:int}", site.message),
            Route("/messages/{number:int}/html", site.html),
            Route("/messages/{number:int}/raw", site.raw),
            Route("/messages/{number:int}/files/{place:int}", site.file),
            Route("/messages/{number:int}/tell/{kind:str}", site.tell, methods=["POST"]),
            Route("/api/messages", site.api_list, methods=["GET"]),
            Route("/api/messages", site.api_clear, methods=["DELETE"]),
            Route("/api/messages/{number:int}", site.api_message),
            Route("/_faults", site.order_faults, methods=["POST"]),
        ],
        middleware=[
            # Another site's name pointed at loopback must not read the mail.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(BaseHTTPMiddleware, dispatch=_guard),
        ],
    )


async def _guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    origin = request.headers.get("origin")
    if request.method not in {"GET", "HEAD"} and origin not in {
        None,
        f"http://{request.headers.get('host')}",
    }:
        return JSONResponse({"code": "foreign_origin"}, status_code=403)
    response = await answer(request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not "no-referrer": a browser then says "Origin: null" of our own forms, which are refused above.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


class _Site:
    def __init__(self, store: MailStore, faults: Faults, pushes: PushStore, teller: Teller | None) -> None:
        self._store = store
        self._teller = teller
        self._faults = faults
        self._pushes = pushes

    def index(self, request: Request) -> Response:
        before = request.query_params.get("before", "")
        messages = self._store.newest(limit=_PAGE_SIZE, before=int(before) if before.isdecimal() else None)
        pushes = push_pages.section(self._pushes.newest(limit=_SHOWN_PUSHES), total=self._pushes.count())
        return HTMLResponse(pages.list_page(messages, total=self._store.count(), pushes=pushes))

    def clear(self, request: Request) -> Response:
        self._store.clear()
        self._pushes.clear()
        return RedirectResponse("/", status_code=303)

    def style(self, request: Request) -> Response:
        return Response(pages.STYLE, media_type="text/css")

    def message(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return HTMLResponse(pages.missing_page(), status_code=404)
        told = _told(request.query_params.get("told", ""), request.query_params.get("answer", ""))
        return HTMLResponse(pages.message_page(found, may_tell=self._teller is not None, told=told))

    def tell(self, request: Request) -> Response:
        found, kind = self._found(request), request.path_params["kind"]
        if found is None or self._teller is None or kind not in KINDS:
            return HTMLResponse(pages.missing_page(), status_code=404)
        answer = self._teller.tell(found, kind)
        return RedirectResponse(f"/messages/{found.id}?told={kind}&answer={answer or 0}", status_code=303)

    def html(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return HTMLResponse(pages.missing_page(), status_code=404)
        return HTMLResponse(found.html, headers={"Content-Security-Policy": _MESSAGE_POLICY})

    def raw(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return PlainTextResponse("gone", status_code=404)
        return Response(found.raw, media_type="text/plain; charset=utf-8")

    def file(self, request: Request) -> Response:
        found, place = self._found(request), int(request.path_params["place"])
        if found is None or not place < len(found.attachments):
            return PlainTextResponse("gone", status_code=404)
        name, _, content = found.attachments[place]
        # Never shown here: whatever it says it is, it is a file to be kept.
        told = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, errors='replace')}"}
        return Response(content, media_type="application/octet-stream", headers=told)

    def api_list(self, request: Request) -> Response:
        messages = self._store.newest(limit=_PAGE_SIZE * 4)
        return JSONResponse(
            {"count": self._store.count(), "results": [_as_json(message) for message in messages]}
        )

    def api_message(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return JSONResponse({"code": "not_found"}, status_code=404)
        return JSONResponse({**_as_json(found), "headers": found.headers})

    def api_clear(self, request: Request) -> Response:
        self._store.clear()
        return Response(status_code=204)

    async def order_faults(self, request: Request) -> Response:
        try:
            order = json.loads(await request.body())
            kind, times = order["smtp"], order.get("times", 1)
        except (ValueError, TypeError, KeyError, AttributeError):
            kind, times = None, None
        if str(kind) not in FAULT_KINDS or not isinstance(times, int) or not 0 <= times <= _MOST_FAULTS:
            detail = f"send {{smtp: one of {', '.join(FAULT_KINDS)}, times: 0 to {_MOST_FAULTS}}}"
            return JSONResponse({"code": "invalid", "detail": detail}, status_code=400)
        self._faults.order(str(kind), times)  # type: ignore[arg-type] # checked against FAULT_KINDS
        return JSONResponse({"smtp": str(kind), "times": times})

    def _found(self, request: Request) -> Message | None:
        return self._store.get(int(request.path_params["number"]))


def _told(kind: str, answer: str) -> str:
    """Say what came of telling, by the address that the button led to."""
    if kind not in KINDS or not answer.isdecimal():
        return ""
    label = KINDS[kind][1]
    if answer == "200":
        return f"Told: {label}. The outbox shows it in a moment."
    if answer == "0":
        return f"Not told: {label}. The shop does not answer."
    return f"Not told: {label}. The shop answered {answer[:3]}."


def _as_json(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "received_at": message.received_at.isoformat(),
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }
