"""A browser, and the demo pages served over HTTP with the real sandbox behind them."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from common.outbox.testing import run_due
from sandbox.testing import SandboxProcess

_PAUSE_SECONDS = 0.1
_PATIENCE_MS = 15_000


# Not for the session: Playwright keeps an event loop in this thread, which other modules' tests start themselves.
@pytest.fixture(scope="module")
def _browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(_browser: Browser) -> Iterator[Page]:
    """Give a fresh browser profile with one page; a script error or a blocked resource fails the test."""
    context = _browser.new_context()
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    context.close()
    assert errors == []


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
