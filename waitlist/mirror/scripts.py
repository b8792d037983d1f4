"""The scripts: each a change or a look that nobody sees half done, in one round trip."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from redis import ConnectionPool, Redis
from redis.commands.core import Script

from common.redis import connection_pool, guarded
from waitlist.mirror.types import MirrorAway

R = TypeVar("R")

_FOLDER = Path(__file__).parent / "lua"


def _source(name: str, *, shared: bool = True) -> str:
    parts = ("shared", name) if shared else (name,)
    return "\n".join((_FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in parts)


CHANGE = _source("change")
PUBLISH = _source("publish")
LOOK = _source("look")
POSITION = _source("position", shared=False)


@lru_cache(maxsize=32)
def _registered(pool: ConnectionPool, source: str) -> Script:
    return Redis(connection_pool=pool).register_script(source)


def script(source: str) -> Script:
    """Return a script on this process's connections; a server that does not know it is told it when called."""
    return _registered(connection_pool(), source)


def ask(call: Callable[[], R]) -> R:
    """Return what Redis answers. Raises ``MirrorAway`` within a second when it does not, or while the breaker is
    open."""

    def away() -> R:
        raise MirrorAway

    return guarded(call, away)
