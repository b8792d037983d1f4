"""What the real-time process answers beside Socket.IO: whether it is well, and 404 to all else."""

import json
from collections.abc import Callable, Mapping
from typing import Any


class PlainHttp:
    """The ASGI application for every other address."""

    def __init__(self, health: Callable[[], Mapping[str, object]]) -> None:
        self._health = health

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answer ``/healthz``, refuse the rest; a websocket that is none of Socket.IO's is closed."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        healthy = scope["path"].rstrip("/") == "/healthz" and scope["method"] in ("GET", "HEAD")
        answer = self._health() if healthy else {"title": "Not found", "status": 404, "code": "not_found"}
        body = json.dumps(answer).encode()
        headers = [
            (b"content-type", b"application/json" if healthy else b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200 if healthy else 404, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
