"""What the API was asked lately, with secrets masked."""

import re
import time
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.store import Json

_SECRET = re.compile(r"\b((?:sk|rk|pk|whsec)_(?:test_|live_)?)\w+")


def mask(value: str) -> str:
    """The text with keys and signing secrets cut off after their prefix."""
    return _SECRET.sub(r"\1***", value)


def entry_of(request: Request, request_id: str, raw: bytes, idempotency_key: str | None) -> Json:
    """One line of `GET /_sandbox/requests`; status and fault follow when it was answered."""
    params = {key: mask(value) for key, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True)}
    return {
        "id": request_id,
        "at": time.time(),
        "method": request.method,
        "path": mask(request.url.path),
        "params": params,
        "idempotency_key": idempotency_key,
        "stripe_version": request.headers.get("stripe-version"),
        "status": None,
        "fault": None,
        "replayed": False,
    }
