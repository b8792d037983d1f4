"""Start-up checks (REQ OP-05)."""

import pytest
from django.test import override_settings

from common.checks import check_settings

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 60,
    "JWT_SECRET": "j" * 32,
    "TICKET_SIGNING_KEYS": ["t" * 32],
    "DATABASES": {"default": {"HOST": "db.internal"}},
    "REDIS_URL": "redis://redis.internal:6379/0",
    "ALLOWED_HOSTS": ["api.example.com"],
    "FRONTEND_URL": "https://shop.example.com",
    "STRIPE_SECRET_KEY": "sk_live_" + "a" * 24,
    "STRIPE_WEBHOOK_SECRETS": ["whsec_" + "b" * 32],
    "STRIPE_API_BASE": "",
    "EMAIL_BACKEND": "anymail.backends.resend.EmailBackend",
    "DEBUG": False,
    "CORS_ALLOWED_ORIGINS": ["https://shop.example.com"],
    "METRICS_TOKEN": "t",
}


def _found(**changes):
    # DATABASES cannot be overridden once connected; the checks only read it.
    with override_settings(**{**GOOD, **changes}):
        return [message.id for message in check_settings()]


pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES:UserWarning")


def test_a_complete_production_passes() -> None:
    """REQ OP-05: with everything set there is nothing to say."""
    assert _found() == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"SECRET_KEY": ""}, "marquee.E001"),
        ({"SECRET_KEY": "development-only-" + "x" * 60}, "marquee.E001"),
        ({"JWT_SECRET": "j" * 31}, "marquee.E002"),
        ({"TICKET_SIGNING_KEYS": []}, "marquee.E019"),
        ({"TICKET_SIGNING_KEYS": ["t" * 32, "t" * 31]}, "marquee.E019"),
        ({"DATABASES": {"default": {"HOST": "localhost"}}}, "marquee.E003"),
        ({"DATABASES": {"default": {}}}, "marquee.E003"),
        ({"REDIS_URL": ""}, "marquee.E004"),
        ({"REDIS_URL": "redis://127.0.0.1:6379/0"}, "marquee.E004"),
        ({"ALLOWED_HOSTS": []}, "marquee.E005"),
        ({"ALLOWED_HOSTS": ["*"]}, "marquee.E005"),
        ({"FRONTEND_URL": "http://shop.example.com"}, "marquee.E006"),
        ({"FRONTEND_URL": "https://localhost"}, "marquee.E006"),
        ({"STRIPE_SECRET_KEY": ""}, "marquee.E007"),
        ({"STRIPE_SECRET_KEY": "sk_test_sandbox"}, "marquee.E007"),
        ({"STRIPE_WEBHOOK_SECRETS": []}, "marquee.E008"),
        ({"STRIPE_WEBHOOK_SECRETS": ["whsec_sandbox"]}, "marquee.E008"),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, "marquee.E010"),
        (
            {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "localhost"},
            "marquee.E010",
        ),
        ({"DEBUG": True}, "marquee.E011"),
        ({"CORS_ALLOWED_ORIGINS": ["http://shop.example.com"]}, "marquee.E012"),
        ({"METRICS_TOKEN": ""}, "marquee.W013"),
        ({"PURCHASE_RATE_LIMIT": 0}, "marquee.E014"),
        ({"STRIPE_CHECKOUT_EXPIRY_MINUTES": 29}, "marquee.E015"),
        ({"ANALYTICS_EVENT_RETENTION_DAYS": 8}, "marquee.E020"),
        ({"AD_EVENT_RETENTION_DAYS": 4}, "marquee.E020"),
    ],
)
def test_each_gap_is_named(change, found) -> None:
    """REQ OP-05: one setting wrong, one message, with its id."""
    assert _found(**change) == [found]


def test_the_sandbox_is_refused_in_production() -> None:
    """REQ PA-09: the stand-in is refused in production, and beside a live key everywhere."""
    base = {"STRIPE_API_BASE": "http://127.0.0.1:8001"}
    assert _found(**base) == ["marquee.E009", "marquee.E016"]
    assert _found(**base, ENVIRONMENT="development") == ["marquee.E016"]


def test_an_unnamed_environment_is_held_to_the_strict_rules() -> None:
    """REQ OP-05: forgetting to say what it is does not switch the checks off."""
    assert _found(ENVIRONMENT="staging", SECRET_KEY="") == ["marquee.E001"]
    assert _found(ENVIRONMENT="development", SECRET_KEY="") == []


def test_every_message_has_a_hint() -> None:
    """REQ OP-05: each says what to do."""
    bad = dict.fromkeys(["SECRET_KEY", "JWT_SECRET", "REDIS_URL", "FRONTEND_URL", "STRIPE_SECRET_KEY"], "")
    with override_settings(**{**GOOD, **bad}):
        assert all(message.hint for message in check_settings())
