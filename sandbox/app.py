"""The ASGI application: Stripe's API, the hosted page, the control, and the two background tasks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from sandbox.api import api_routes
from sandbox.clock import tick
from sandbox.control import control_routes
from sandbox.page import page_routes
from sandbox.world import World

TICK_SECONDS = 0.5
DRAIN_SECONDS = 0.5


async def _keep_time(world: World) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        with world.store.transaction():
            tick(world)


def build_app(world: World) -> Starlette:
    """The application of one world; closes its store when it ends."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.store.move_open_sessions(f"{world.base_url}/c/pay/")
        tasks = [asyncio.create_task(_keep_time(world)), asyncio.create_task(world.dispatcher.run())]
        yield
        await world.dispatcher.drain(DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        world.store.close()

    return Starlette(
        routes=[*api_routes(world), *page_routes(world), *control_routes(world)], lifespan=lifespan
    )
