"""A browser, and the demo pages served over HTTP with the real sandbox behind them."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from common.outbox.testing import worker_beside
from config.tests.browser import browser, page
from sandbox.testing import SandboxProcess

__all__ = ["browser", "page", "shop"]


@pytest.fixture
def shop(live_server: LiveServer, stripe_sandbox: SandboxProcess, settings: Settings) -> Iterator[LiveServer]:
    """Serve the product over HTTP, with a worker of the durable queue beside it."""
    settings.FRONTEND_URL = live_server.url
    with worker_beside():
        yield live_server
