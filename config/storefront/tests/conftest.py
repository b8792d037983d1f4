"""A browser, and the demo pages served over HTTP with the real sandbox behind them."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from common.outbox.testing import run_due
from config.tests.browser import browser, page
from sandbox.testing import SandboxProcess

__all__ = ["browser", "page", "shop"]

_PAUSE_SECONDS = 0.1


@pytest.fixture
def shop(live_server: LiveServer, stripe_sandbox: SandboxProcess, settings: Settings) -> Iterator[LiveServer]:
    """Serve the product over HTTP, with a worker of the durable queue beside it."""
    settings.FRONTEND_URL = live_server.url
    stopped = threading.Event()

    def work() -> None:
        try:
            while not stopped.wait(_PAUSE_SECONDS):
                run_due()
        finally:
            connection.close()

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    yield live_server
    stopped.set()
    worker.join()
