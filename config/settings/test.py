"""Tests: real PostgreSQL and Valkey from the environment, cheap hashes, no wake-ups unless a test asks."""

import os

os.environ.setdefault("ENVIRONMENT", "test")
os.environ.setdefault("SECRET_KEY", "test-secret-key-that-is-long-enough-to-sign-with-0123456789")
os.environ.setdefault("JWT_SECRET", "test-jwt-secret-that-is-long-enough-0123456789")
os.environ.setdefault("FRONTEND_URL", "https://front.test")
os.environ.setdefault("STRIPE_SECRET_KEY", "sk_test_sandbox")
os.environ.setdefault("STRIPE_WEBHOOK_SECRET", "whsec_test")
os.environ.setdefault("RESEND_WEBHOOK_SECRET", "whsec_dGVzdC13ZWJob29rLXNlY3JldA==")
os.environ.setdefault("STRIPE_API_BASE", "http://127.0.0.1:9")
os.environ.setdefault("OUTBOX_WAKE", "false")
os.environ.setdefault("STATIC_ROOT", ".local/test-static")

from config.settings.base import *  # noqa: F403
from config.settings.base import DATABASES, POSTGRES_OPTIONS

DATABASES["default"]["OPTIONS"] = {"options": POSTGRES_OPTIONS}
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
GRAPHQL_INTROSPECTION = True
