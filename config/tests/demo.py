"""The demo's data for tests that look at it."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from sandbox.testing import SandboxProcess


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, _sandbox_process: SandboxProcess
) -> Iterator[None]:
    """Fill the database as the demo does, once for the tests of a module, which roll back what they add."""
    if _sandbox_process.pid is None:
        _sandbox_process.start()
    _sandbox_process.control("reset")
    there = override_settings(
        STRIPE_API_BASE=_sandbox_process.base_url, STRIPE_WEBHOOK_SECRETS=[_sandbox_process.webhook_secret]
    )
    with django_db_blocker.unblock():
        with there:
            call_command("seed_demo", stdout=StringIO())
        yield
        call_command(
            "flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True
        )
        # What its commits left on the connection, tracking's stage for one, is not the next test's.
        connection.close()
