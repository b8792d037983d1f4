"""Fixtures of the whole suite: the test database, Valkey, the Stripe sandbox, races."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from common import redis, streams
from config.local_stack.mailcatcher.server import MailCatcher
from config.local_stack.pushcatcher.testing import PushCatcher
from config.local_stack.testing.database import use_test_database
from config.local_stack.testing.modules import load_everything
from config.local_stack.testing.plugin import servers_key
from config.local_stack.testing.race import Race
from config.local_stack.testing.tools import chromium_path, light_chromium_path
from config.local_stack.valkey import EmbeddedValkey
from notifications.pushing import fcm, lines
from sandbox.testing import SandboxProcess

WEBHOOK_PATH = "/api/v1/webhooks/stripe/offers"


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give this process a migrated database of its own (replaces pytest-django's fixture)."""
    with django_db_blocker.unblock():
        yield from use_test_database()


@pytest.fixture(scope="session", autouse=True)
def _everything_loaded(django_test_environment: None) -> None:
    """No module keeps what one test replaced while it was loaded."""
    load_everything()


@pytest.fixture(autouse=True)
def _no_streams() -> Iterator[None]:
    """Leave no place taken by an answer that a test did not read to its end, whenever its memory is freed."""
    yield
    streams.forget()


@pytest.fixture(autouse=True)
def _clean_valkey(pytestconfig: pytest.Config) -> Iterator[None]:
    """Leave no key to the next test, the server running, and the breaker that keeps calls from it closed.

    Closed before as well: a thread that a test left behind may fail after that test's end.
    """
    redis.breaker.reset()
    yield
    server = pytestconfig.stash[servers_key].valkey
    if server is not None:
        if not server.is_running:
            server.start()
        server.flush()
    redis.breaker.reset()


@pytest.fixture
def valkey(pytestconfig: pytest.Config) -> EmbeddedValkey:
    """Give this process's own Valkey: `.stop()`, `.kill()`, `.start()`, `.flush()`, `.client()`, `.url()`.

    It runs again, and empty, after the test.
    """
    server = pytestconfig.stash[servers_key].valkey
    if server is None:
        pytest.fail("this test stops and starts Valkey: run it without REDIS_URL, on the embedded server")
    return server


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of Chromium for `launch(executable_path=chromium, args=["--no-sandbox"])`.

    Tests that use it are marked `browser`.
    """
    return chromium_path()


@pytest.fixture(scope="session")
def light_chromium() -> str:
    """Give the path of what most browser tests run in; a module that needs more overrides it by `chromium`."""
    return light_chromium_path()


@pytest.fixture
def mail_catcher(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MailCatcher]:
    """Give a real SMTP server that keeps every e-mail; the settings (SMTP backend) point at it.

    `.messages()` newest first, `.fail("451" | "550" | "timeout" | "drop", times)`, `.clear()`.
    """
    with MailCatcher(tmp_path / "mail") as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = catcher.smtp_port
        monkeypatch.setenv("EMAIL_URL", catcher.smtp_url)
        yield catcher


@pytest.fixture(scope="session")
def _push_catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushCatcher]:
    folder = tmp_path_factory.mktemp("push")
    with MailCatcher(folder) as catcher:
        yield PushCatcher(catcher, folder)


@pytest.fixture
def push_catcher(_push_catcher: PushCatcher, settings: Settings) -> Iterator[PushCatcher]:
    """Give a stand-in for FCM and for browsers' push services that the settings point at; it is empty.

    `.pushes()` oldest first, `.subscribe(name)`, `.fail(kind, times, retry_after=...)`, `.requests()`.
    """
    _push_catcher.clear()
    settings.FCM_CREDENTIALS_FILE = str(_push_catcher.credentials_file)
    settings.FCM_API_BASE = _push_catcher.url
    settings.WEBPUSH_VAPID_PRIVATE_KEY = "Y2FudCBiZSBndWVzc2VkIGJ1dCBpcyBmb3IgdGVzdHM"
    settings.WEBPUSH_VAPID_SUBJECT = "mailto:operators@marquee.test"
    settings.WEBPUSH_ALLOWED_HOSTS = [*settings.WEBPUSH_ALLOWED_HOSTS, f"{_push_catcher.url}/push/"]
    settings.PUSH_TIMEOUT_SECONDS = 5
    yield _push_catcher
    _push_catcher.clear()
    lines.close()
    fcm.account.forget()


@pytest.fixture
def race() -> Race:
    """Run contenders against each other: `race(50, act)` or `race.each([first, second])`."""
    return Race()


@pytest.fixture(scope="session")
def _sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(webhook_secret="whsec_test") as process:
        yield process


@pytest.fixture
def stripe_sandbox(
    request: pytest.FixtureRequest,
    _sandbox_process: SandboxProcess,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SandboxProcess]:
    """Give an empty Stripe sandbox that the settings point at.

    A test that uses `live_server` too gets its webhooks delivered there; others get none. The sandbox
    runs again for the next test when this one killed it.
    """
    if _sandbox_process.pid is None:
        _sandbox_process.start()
    _sandbox_process.control("reset")
    urls = []
    if "live_server" in request.fixturenames:
        urls = [f"{request.getfixturevalue('live_server').url}{WEBHOOK_PATH}"]
    _sandbox_process.set_webhook_urls(*urls)
    settings.STRIPE_API_BASE = _sandbox_process.base_url
    settings.STRIPE_WEBHOOK_SECRETS = [_sandbox_process.webhook_secret]
    # For processes that the test starts.
    monkeypatch.setenv("STRIPE_API_BASE", _sandbox_process.base_url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", _sandbox_process.webhook_secret)
    # The library repeats a failed call after half a second; the sandbox is as ready at once.
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.02)
    yield _sandbox_process
    if urls and _sandbox_process.pid is not None:
        # That server outlives the test: what was delivered late would be a row in another one's database.
        _sandbox_process.control("reset")
        _sandbox_process.set_webhook_urls()
