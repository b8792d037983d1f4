"""Start-up checks (``manage.py check``): what production lacks or must not have is named with its remedy.

They read settings only, so each can be tested by overriding them. Production means every environment but
development and test: one that forgot to say what it is is held to the strict rules.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

_LENIENT = frozenset({"development", "test"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})  # noqa: S104 compared with, not bound to
# HS256 wants a key as long as its hash (RFC 7518, 3.2).
_JWT_BYTES = 32
_SECRET_KEY_LENGTH = 50
# Stripe: Checkout Session expires_at, 30 minutes to 24 hours from creation.
_STRIPE_MINUTES = (30, 1440)

Rule = Callable[[], Iterator[CheckMessage]]


def _error(number: str, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"marquee.{number}")


def _text(name: str) -> str:
    try:
        return str(getattr(settings, name, "") or "")
    except ImproperlyConfigured:
        return ""  # Django's own answer to an empty SECRET_KEY


def _is_local(url: str) -> bool:
    return (urlsplit(url).hostname or "") in _LOCAL_NAMES


def secrets() -> Iterator[CheckMessage]:
    """E001, E002, E019: keys that sign."""
    if len(_text("SECRET_KEY")) < _SECRET_KEY_LENGTH or _text("SECRET_KEY").startswith("development-only"):
        yield _error(
            "E001", "SECRET_KEY is missing, short or the development one.", "Set 50 random characters."
        )
    if len(_text("JWT_SECRET").encode()) < _JWT_BYTES or _text("JWT_SECRET").startswith("development-only"):
        yield _error(
            "E002",
            "JWT_SECRET is missing, shorter than 32 bytes or the development one.",
            "Set the secret that the identity service signs with.",
        )
    keys: Sequence[str] = settings.TICKET_SIGNING_KEYS
    if not keys or any(len(key.encode()) < _JWT_BYTES for key in keys):
        yield _error(
            "E019",
            "TICKET_SIGNING_KEYS is missing, or one of them is shorter than 32 bytes.",
            "Set 50 random characters; keep the old one behind a new one.",
        )


def addresses() -> Iterator[CheckMessage]:
    """E003 to E006: where things are; nothing falls back to this machine."""
    database: dict[str, Any] = settings.DATABASES["default"]
    if database.get("HOST", "") in _LOCAL_NAMES and not str(database.get("HOST", "")).startswith("/"):
        yield _error(
            "E003",
            "DATABASE_URL is missing or names this machine.",
            "Set postgres://user:password@host/name.",
        )
    if not _text("REDIS_URL") or _is_local(_text("REDIS_URL")):
        yield _error("E004", "REDIS_URL is missing or names this machine.", "Set redis://host:6379/0.")
    hosts: Sequence[str] = settings.ALLOWED_HOSTS
    if not hosts or "*" in hosts:
        yield _error(
            "E005", "ALLOWED_HOSTS is empty or admits every name.", "List the names the product answers to."
        )
    front = urlsplit(_text("FRONTEND_URL"))
    if front.scheme != "https" or (front.hostname or "") in _LOCAL_NAMES:
        yield _error(
            "E006", "FRONTEND_URL is not an https address.", "Set where buyers come back to after paying."
        )


def stripe() -> Iterator[CheckMessage]:
    """E007 to E009: real keys, no stand-in."""
    key = _text("STRIPE_SECRET_KEY")
    if not key.startswith(("sk_live_", "rk_live_", "sk_test_", "rk_test_")) or "sandbox" in key:
        yield _error(
            "E007", "STRIPE_SECRET_KEY is missing or not a key of Stripe.", "Set sk_live_... or rk_live_..."
        )
    endpoints: Sequence[str] = settings.STRIPE_WEBHOOK_SECRETS
    if not endpoints or not all(secret.startswith("whsec_") and len(secret) > 20 for secret in endpoints):
        yield _error(
            "E008", "STRIPE_WEBHOOK_SECRET is missing or malformed.", "Set whsec_..., several by comma."
        )
    if _text("STRIPE_API_BASE"):
        yield _error("E009", "STRIPE_API_BASE points away from Stripe.", "Leave it unset in production.")


def mail() -> Iterator[CheckMessage]:
    """E010: letters leave the house."""
    local_backends = ("console", "dummy", "locmem", "filebased")
    backend = _text("EMAIL_BACKEND")
    to_smtp_here = backend.endswith("smtp.EmailBackend") and _text("EMAIL_HOST") in _LOCAL_NAMES
    if any(name in backend for name in local_backends) or to_smtp_here:
        yield _error(
            "E010",
            "E-mail goes nowhere.",
            "Set RESEND_API_KEY, or EMAIL_URL=smtp+tls://user:password@host:587.",
        )


def exposure() -> Iterator[CheckMessage]:
    """E011, E012, W013: what strangers could see or use."""
    if settings.DEBUG:
        yield _error("E011", "DEBUG is on.", "It is for development only.")
    insecure = [o for o in settings.CORS_ALLOWED_ORIGINS if not o.startswith("https://") or _is_local(o)]
    if insecure or getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False):
        yield _error("E012", "CORS_ALLOWED_ORIGINS admits origins without https.", "List https origins only.")
    if not _text("METRICS_TOKEN"):
        yield checks.Warning(
            "METRICS_TOKEN is not set: /metrics answers to loopback only.",
            hint="Set a random token and give it to Prometheus as its bearer token.",
            id="marquee.W013",
        )


def numbers() -> Iterator[CheckMessage]:
    """E014, E015: limits that make sense, in every environment."""
    positive = (
        "PURCHASE_RATE_LIMIT",
        "PURCHASE_RATE_WINDOW_SECONDS",
        "PURCHASE_ADDRESS_RATE_LIMIT",
        "RESERVATION_TTL_SECONDS",
        "LOGIN_RATE_LIMIT",
        "HOLD_LIMIT_UNITS",
        "HOLD_LIMIT_CHECKOUTS",
        "TICKET_LIVE_SECONDS",
        "SCAN_RATE_LIMIT",
        "SCAN_INVALID_RATE_LIMIT",
        "SCAN_OFFLINE_HOURS",
    )
    wrong = [name for name in positive if getattr(settings, name, 1) < 1]
    if wrong:
        yield _error("E014", f"{', '.join(wrong)}: must be 1 or more.", "Remove it to get the default.")
    lowest, highest = _STRIPE_MINUTES
    if not lowest <= settings.STRIPE_CHECKOUT_EXPIRY_MINUTES <= highest:
        yield _error(
            "E015", "STRIPE_CHECKOUT_EXPIRY_MINUTES is out of bounds.", "Stripe allows 30 to 1440 minutes."
        )


def retention() -> Iterator[CheckMessage]:
    """E020: raw events are kept until the figures of their day can no longer change, in every environment."""
    least = {
        # Events come up to 7 days late, for days that begin elsewhere at another time, and are frozen a day before.
        "ANALYTICS_EVENT_RETENTION_DAYS": 9,
        # A token of the day before, the last zone, and a day for clocks.
        "AD_EVENT_RETENTION_DAYS": 5,
    }
    for name, days in least.items():
        if getattr(settings, name, days) < days:
            yield _error(
                "E020", f"{name} must be {days} or more.", "Events would be lost before they are counted."
            )


def sandbox_with_live_key() -> Iterator[CheckMessage]:
    """E016: the stand-in never sees a live key, in every environment."""
    if _text("STRIPE_API_BASE") and "_live_" in _text("STRIPE_SECRET_KEY"):
        yield _error(
            "E016", "A live Stripe key is set beside STRIPE_API_BASE.", "Use a test key with the sandbox."
        )


_PRODUCTION: tuple[Rule, ...] = (secrets, addresses, stripe, mail, exposure)
_ALWAYS: tuple[Rule, ...] = (numbers, retention, sandbox_with_live_key)


@register("marquee")
def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: object) -> list[CheckMessage]:
    """Return what is wrong with this environment's settings."""
    rules = _ALWAYS if settings.ENVIRONMENT in _LENIENT else _PRODUCTION + _ALWAYS
    return [message for rule in rules for message in rule()]
