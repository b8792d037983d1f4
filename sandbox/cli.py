"""Starting and stopping the process."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator, Sequence

import uvicorn

from sandbox.app import build_app
from sandbox.config import RefusedToStart, Settings, read_settings
from sandbox.connection import TrackedProtocol
from sandbox.store import Store
from sandbox.world import World


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready and ends with exit code 0 on SIGTERM and SIGINT."""

    def __init__(self, config: uvicorn.Config, world: World) -> None:
        super().__init__(config)
        self._world = world

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"stripe sandbox ready: {self._world.base_url}\n")
            sys.stdout.flush()

    def _stop(self) -> None:
        self._world.closing.set()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The loop's handlers do it: uvicorn's would end the process by the signal, not by an exit code.
        yield


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle on and every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise RefusedToStart(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from error
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(settings: Settings, listener: socket.socket) -> None:
    world = World(settings, Store(settings.data_dir), settings.public_url or _base_url(listener))
    config = uvicorn.Config(
        build_app(world),
        http=TrackedProtocol,
        ws="none",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        backlog=2048,
        timeout_graceful_shutdown=1,
    )
    await _Server(config, world).serve([listener])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 2 when the start is refused, with the reason on standard error."""
    try:
        settings = read_settings(arguments)
        asyncio.run(_serve(settings, _listen(settings)))
    except RefusedToStart as refused:
        sys.stderr.write(f"stripe sandbox: {refused}\n")
        return 2
    return 0
