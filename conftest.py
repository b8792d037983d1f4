"""Fixtures of the whole suite: the test database, Valkey, the Stripe sandbox, the mail catcher, races."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from config.local_stack.testing.database import use_test_database


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give this process a migrated database of its own (replaces pytest-django's fixture)."""
    with django_db_blocker.unblock():
        yield from use_test_database()
