"""The product as browsers meet it: pages over HTTP, the real-time process, a worker; import the fixtures into a
``conftest.py`` beside ``browser``.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.services import tokens
from common import clock
from common.outbox.testing import worker_beside
from config.local_stack.testing import patience
from notifications.tests.realtime import RealtimeProcess


@dataclass
class House:
    """The running product and the windows that look at it."""

    url: str
    realtime: RealtimeProcess
    browser: Browser
    errors: list[str] = field(default_factory=list)

    def open(self, user: User, path: str, *, width: int = 1440) -> Page:
        """Open a page as somebody, signed in to the demo pages and to the admin, in a profile of their own."""
        pair = tokens.issue(user, now=clock.now())
        kept = json.dumps({"access": pair.access, "refresh": pair.refresh})
        storage: Any = [{"name": "marquee.tokens", "value": kept}]
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            storage_state={"origins": [{"origin": self.url, "localStorage": storage}]},
        )
        context.set_default_timeout(patience.MS)
        context.add_cookies([{"name": "sessionid", "value": _session_of(user), "url": self.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self._note(said.text))
        page.goto(f"{self.url}{path}")
        return page

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.errors.append(text)


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


@pytest.fixture(scope="module")
def realtime(django_db_setup: None, live_server: LiveServer) -> Iterator[RealtimeProcess]:
    """Give a real-time process that lets the pages' origin in."""
    process = RealtimeProcess(FRONTEND_URL=live_server.url)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def house(
    live_server: LiveServer, realtime: RealtimeProcess, browser: Browser, settings: Settings
) -> Iterator[House]:
    """Serve the product, with a worker of the durable queue; a script error in any window fails the test."""
    settings.FRONTEND_URL = live_server.url
    settings.REALTIME_PUBLIC_URL = realtime.url
    policy = settings.CONTENT_SECURITY_POLICY
    directives = policy["DIRECTIVES"]
    sockets = [*directives["connect-src"], realtime.url.replace("http", "ws", 1)]
    settings.CONTENT_SECURITY_POLICY = {**policy, "DIRECTIVES": {**directives, "connect-src": sockets}}
    realtime.wait_for("connected")
    house = House(live_server.url, realtime, browser)
    with worker_beside():
        yield house
        for context in browser.contexts:
            context.close()
    assert house.errors == []


def seconds_until(look: Callable[[], Any]) -> float:
    """Return how long it took until ``look``, which waits by itself, came back."""
    began = time.monotonic()
    look()
    return time.monotonic() - began
