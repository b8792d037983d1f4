"""The hosted checkout page: plain forms, no JavaScript, everything escaped."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import checkout
from sandbox.checkout import expire_due
from sandbox.errors import ApiError
from sandbox.page_html import CARDS, missing_page, session_page
from sandbox.resources.payments import Card, Method
from sandbox.store import Json
from sandbox.world import World

ACTIONS = frozenset({"pay", "decline", "pay_later", "cancel"})
_STYLES = (Path(__file__).parent / "static" / "page.css").read_text(encoding="utf-8")


def _origin(url: str | None) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _policy(session: Json | None) -> str:
    # Browsers hold the redirect after a form to `form-action` as well, so the shop's own pages must be in it.
    given = session or {}
    targets = {_origin(given.get("success_url")), _origin(given.get("cancel_url"))} - {None}
    return (
        "default-src 'none'; style-src 'self'; img-src http: https: data:; base-uri 'none'; "
        "frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(sorted(filter(None, targets)))}"
    ).strip()


def _html(content: str, session: Json | None, status: int = 200) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": _policy(session),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(content, status, headers)


def _current(world: World, session_id: str) -> Json | None:
    with world.store.transaction():
        expire_due(world)
    return world.store.get(checkout.KIND, session_id)


def _shown(world: World, session: Json, *, declined: bool, status: int = 200) -> Response:
    private = world.store.private(session["id"])
    return _html(session_page(session, private, int(time.time()), declined=declined), session, status)


def success_url(session: Json) -> str:
    """Where a finished buyer is sent, with Stripe's placeholder filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _method(form: dict[str, list[str]]) -> Method:
    chosen = form.get("card", [""])[0]
    return Method(card=next((Card(card.brand, card.last4) for card in CARDS if card.last4 == chosen), Card()))


def _act(world: World, session: Json, action: str, form: dict[str, list[str]]) -> Response:
    """Do what the button says; raises `ApiError` when the session's state does not allow it."""
    email = form.get("email", [""])[0].strip()[:254] or None
    acts: dict[str, Callable[[], Json]] = {
        "pay": lambda: checkout.pay(world, session["id"], _method(form), email),
        "pay_later": lambda: checkout.pay_later(world, session["id"], email),
        "decline": lambda: checkout.decline(world, session["id"], _method(form)),
    }
    with world.store.transaction():
        after = acts[action]()
    if action == "decline":
        return RedirectResponse(f"/c/pay/{session['id']}?declined=1", 303)
    return RedirectResponse(success_url(after), 303)


class HostedPage:
    """The page's handlers for one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        """The session in its present state."""
        session = _current(self._world, request.path_params["id"])
        if session is None:
            return _html(missing_page(), None, 404)
        return _shown(self._world, session, declined="declined" in request.query_params)

    async def press(self, request: Request) -> Response:
        """A button was pressed."""
        session = _current(self._world, request.path_params["id"])
        action = request.path_params["action"]
        if session is None or action not in ACTIONS:
            return _html(missing_page(), None, 404)
        if action == "cancel":
            return RedirectResponse(session["cancel_url"] or f"/c/pay/{session['id']}", 303)
        if session["status"] == "complete":
            # A second press of Pay: the buyer is sent on, nothing is paid twice.
            return RedirectResponse(success_url(session), 303)
        form = parse_qs((await request.body()).decode("utf-8", errors="replace"))
        try:
            return _act(self._world, session, action, form)
        except ApiError:
            return _shown(self._world, session, declined=False, status=409)


async def _serve_styles(_: Request) -> Response:
    return Response(_STYLES, media_type="text/css", headers={"Cache-Control": "no-cache"})


def page_routes(world: World) -> list[Route]:
    """The page, its buttons and its style sheet."""
    page = HostedPage(world)
    return [
        Route("/c/page.css", _serve_styles),
        Route("/c/pay/{id}", page.show),
        Route("/c/pay/{id}/{action}", page.press, methods=["POST"]),
    ]
