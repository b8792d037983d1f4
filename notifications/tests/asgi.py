"""The product's real-time application, with commands that tests speak to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from config.asgi import application  # isort: split

# Django was set up by the line above.
from accounts.models import User
from common.errors import Conflict, RateLimited
from notifications.realtime import commands


def _echo(user: User, data: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {"user_id": str(user.pk), "said": data["said"], "at": now.isoformat()}


def _refuse(user: User, data: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    if data.get("busy"):
        raise RateLimited("Not so fast.", retry_after=7)
    raise Conflict("There is another one.")


def _break(user: User, data: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {"secret": 1 // 0}


def _unsendable(user: User, data: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {"id": uuid4()}


for name, command in (("echo", _echo), ("refuse", _refuse), ("break", _break), ("unsendable", _unsendable)):
    commands.register(f"test.{name}", command)

__all__ = ["application"]
