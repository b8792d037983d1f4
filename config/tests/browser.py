"""A real browser for tests: import ``browser`` and ``page`` into the ``conftest.py`` of the tests that use them."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.local_stack.testing import patience

# As a person's browser calls itself: what says that it runs without a window is not counted as a viewer of ads.
_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)

# Playwright keeps an event loop in the test's thread, for which Django would refuse every query.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=patience.MS)


# Not for the session: Playwright keeps an event loop in this thread, which other modules' tests start themselves.
@pytest.fixture(scope="module")
def browser(light_chromium: str) -> Iterator[Browser]:
    """Give one Chromium for all tests of a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=light_chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                f"--user-agent={_AGENT}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a fresh browser profile with one page; a script error or a blocked resource fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(patience.MS)
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
