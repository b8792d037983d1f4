"""Calling services from the event loop: in a thread, with connections given back."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

# As many as the database pool of this process is meant to serve.
_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="realtime")


async def in_thread(service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what the service returns; its database connection goes back to the pool afterwards."""
    call = functools.partial(copy_context().run, _run, functools.partial(service, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_pool, call)


def _run(service: Callable[[], R]) -> R:
    close_old_connections()
    try:
        return service()
    finally:
        close_old_connections()
