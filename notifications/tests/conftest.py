"""Fixtures of this room: template folders, an SMTP server, a channel that starts closed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django.fixtures import Settings

from notifications import mailer
from notifications.tests.factories import message_kind
from notifications.tests.realtime import Heard, RealtimeProcess
from notifications.tests.smtp import MailServer


@pytest.fixture(autouse=True)
def _no_kept_connection() -> Iterator[None]:
    mailer.close()
    yield
    mailer.close()


@pytest.fixture
def words(tmp_path: Path, settings: Settings) -> Path:
    """Give a template folder of the test's own, beside the product's."""
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}, *settings.TEMPLATES[1:]]
    return tmp_path


@pytest.fixture
def kind(words: Path) -> Iterator[str]:
    """Name a registered message with a text and an HTML part."""
    with message_kind(words) as name:
        yield name


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """Give a running SMTP server that the settings point at."""
    server = MailServer()
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Marquee <no-reply@marquee.test>"
    yield server
    mailer.close()
    server.stop()


@pytest.fixture(scope="session")
def _processes(django_db_setup: None) -> Iterator[list[RealtimeProcess]]:
    processes = [
        RealtimeProcess(REALTIME_CHECK_SECONDS="0.5", REALTIME_EVENTS_PER_SECOND="1000"),
        RealtimeProcess(),
    ]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.stop()


@pytest.fixture
def servers(_processes: list[RealtimeProcess]) -> list[RealtimeProcess]:
    """Give two real-time processes that share Redis and the test's database, both hearing Redis again.

    The first looks through its sockets each half second, and lets clients send a lot.
    """
    for process in _processes:
        process.wait_for("connected")
    return _processes


@pytest.fixture
def spare(django_db_setup: None) -> Iterator[RealtimeProcess]:
    """Give a process of the test's own, which it may kill.

    It was started just now, so it looks through its sockets only after the test; either of ``servers`` may do so at
    any moment.
    """
    process = RealtimeProcess()
    try:
        process.start()
        yield process
    finally:
        process.stop()


@pytest.fixture
def heard(settings: Settings) -> Iterator[Heard]:
    """Give what the real-time processes are told from now on: room, event and data, in order."""
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as subscription:
        subscription.subscribe(settings.REALTIME_CHANNEL)
        assert subscription.get_message(timeout=5)["type"] == "subscribe"

        def read() -> list[tuple[str, str, dict[str, Any]]]:
            told = []
            while (message := subscription.get_message(timeout=0.05)) is not None:
                told.append(json.loads(message["data"]))
            return [(one["room"], one["event"], one["data"][0]) for one in told]

        yield read
