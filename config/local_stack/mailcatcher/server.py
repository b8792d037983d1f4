"""The mail catcher, SMTP and pages, and the stand-in for push in one event loop."""

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from config.local_stack import ports
from config.local_stack.mailcatcher.smtp import FaultKind, Faults, protocol
from config.local_stack.mailcatcher.store import MailStore
from config.local_stack.mailcatcher.telling import Teller
from config.local_stack.mailcatcher.web import application
from config.local_stack.pushcatcher.faults import Faults as PushFaults
from config.local_stack.pushcatcher.store import PushStore

_START_SECONDS = 10.0


class MailCatcher:
    """One catcher: `serve` runs it to the end of the process, `with` in a thread for tests."""

    def __init__(
        self, data_dir: Path, *, port: int = 0, smtp_port: int = 0, teller: Teller | None = None
    ) -> None:
        self.port = port or ports.free_port()
        self.smtp_port = smtp_port or ports.free_port()
        self._store = MailStore(data_dir)
        self._faults = Faults()
        self.pushes = PushStore(data_dir)
        self.push_faults = PushFaults()
        self._started = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(self._store, self._faults, self.pushes, self.push_faults, teller),
                host=ports.LOOPBACK,
                port=self.port,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )

    async def serve(self) -> None:
        """Answer until SIGTERM, SIGINT or `stop`."""
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(
            lambda: protocol(self._store, self._faults), ports.LOOPBACK, self.smtp_port
        )
        async with smtp:
            self._started.set()
            await self._server.serve()
        self._store.close()
        self.pushes.close()

    # -- for tests ------------------------------------------------------------------------------

    @property
    def smtp_url(self) -> str:
        """The address as EMAIL_URL wants it."""
        return f"smtp://{ports.LOOPBACK}:{self.smtp_port}"

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    def messages(self) -> list[dict[str, Any]]:
        """Give the caught messages as the API shows them, newest first."""
        results: list[dict[str, Any]] = (
            httpx.get(f"{self.url}/api/messages").raise_for_status().json()["results"]
        )
        return results

    def fail(self, kind: FaultKind, times: int = 1) -> None:
        """Let the next `times` messages fail: 451, 550, timeout or drop."""
        self._faults.order(kind, times)

    def clear(self) -> None:
        """Forget messages and ordered faults."""
        self._faults.order("451", 0)
        self._store.clear()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self.serve()), name="mail-catcher", daemon=True
        )
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise TimeoutError("the mail catcher did not start")
        while not ports.accepts(self.port):
            self._started.wait(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_START_SECONDS)
