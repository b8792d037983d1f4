"""Not answering: a connection that hangs, and one that is cut."""

import asyncio
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_open: dict[tuple[str, int], asyncio.Transport] = {}


class TrackedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with its connections to be found by the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.client is not None:
            _open.pop(self.client, None)


class Silence(Response):
    """A response that sends nothing: the connection is gone already."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say nothing."""


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def hang(request: Request, closing: asyncio.Event) -> Response:
    """Wait until the client gives up or the sandbox stops, then drop the connection."""
    waits = [asyncio.ensure_future(_gone(request)), asyncio.ensure_future(closing.wait())]
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    return await hang_up(request)


async def hang_up(request: Request) -> Response:
    """Close the TCP connection without an answer."""
    client = cast("tuple[str, int] | None", request.scope.get("client"))
    transport = _open.get(client) if client else None
    if transport is not None:
        transport.abort()
        await _gone(request)
    return Silence()
