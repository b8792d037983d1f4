"""pytest plugin (`-p config.local_stack.testing.plugin`): servers, before Django's settings load."""

import atexit
import gc
import os

import pytest
from hypothesis import settings

from config.local_stack.testing.layers import LayerTimes
from config.local_stack.testing.servers import SessionServers
from config.local_stack.testing.skips import NothingSkipped
from config.local_stack.testing.tools import missing_tools

servers_key = pytest.StashKey[SessionServers]()

# A developer's shell must not decide how tests behave: config.settings.test names these values itself.
_FOREIGN_SETTINGS = (
    "CORS_ALLOWED_ORIGINS",
    "CSRF_TRUSTED_ORIGINS",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "ENVIRONMENT",
    "FRONTEND_URL",
    "JWT_SECRET",
    "METRICS_PORT",
    "METRICS_TOKEN",
    "PROMETHEUS_MULTIPROC_DIR",
    "PURCHASES_ENABLED",
    "PURCHASE_ADDRESS_RATE_LIMIT",
    "PURCHASE_RATE_LIMIT",
    "PURCHASE_RATE_WINDOW_SECONDS",
    "RESEND_API_KEY",
    "RESERVATION_TTL_SECONDS",
    "SECRET_KEY",
    "STRIPE_API_BASE",
    "STRIPE_CHECKOUT_EXPIRY_MINUTES",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "TICKET_SIGNING_KEYS",
)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later walk of the garbage collector."""
    gc.collect()
    gc.freeze()


def _only_asks(config: pytest.Config) -> bool:
    known = config.known_args_namespace
    return bool(known.help or known.version or known.collectonly)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Name the servers in the environment; start the servers once for all of xdist's workers."""
    for name in _FOREIGN_SETTINGS:
        os.environ.pop(name, None)
    if _only_asks(early_config):
        os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")
        os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:9/0")
        return
    servers = early_config.stash[servers_key] = SessionServers()
    atexit.register(servers.stop)
    servers.start()


def pytest_configure(config: pytest.Config) -> None:
    """Register the time per layer and, in CI, the rule that nothing is skipped; time no example of a property."""
    config.pluginmanager.register(LayerTimes(), "layer-times")
    # How long one takes is the machine's, which others use as well; CI's own profile has no deadline either.
    settings.register_profile("untimed", settings.default, deadline=None)
    settings.load_profile("untimed")
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NothingSkipped(), "nothing-skipped")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started; Ctrl-C comes through here as well."""
    servers = config.stash.get(servers_key, None)
    if servers is not None:
        servers.stop()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and skip, with the reason, what needs a program this machine has not."""
    # One of two processes would be left alone with them at the end.
    items.sort(
        key=lambda item: [item.get_closest_marker(marker) is None for marker in ("whole_stack", "browser")]
    )
    for tool in missing_tools():
        skip = pytest.mark.skip(reason=f"{tool.name} is not installed")
        for item in items:
            if item.get_closest_marker(tool.marker):
                item.add_marker(skip)
