"""Development and the local stack: the same code paths, unsafe conveniences on, loopback only."""

import os

from config.local_stack import environment

environment.load()
os.environ.setdefault("ENVIRONMENT", "development")
os.environ.setdefault("SECRET_KEY", "development-only-secret-key-that-is-long-enough-to-sign-with")
os.environ.setdefault("JWT_SECRET", "development-only-jwt-secret-that-is-long-enough")
os.environ.setdefault("FRONTEND_URL", "http://127.0.0.1:8000")
os.environ.setdefault("STRIPE_SECRET_KEY", "sk_test_sandbox")
os.environ.setdefault("STRIPE_WEBHOOK_SECRET", "whsec_sandbox")
os.environ.setdefault("STRIPE_API_BASE", "http://127.0.0.1:8001")

from config.settings.base import *  # noqa: E402, F403
from config.settings.base import (  # noqa: E402
    AUTH_PASSWORD_VALIDATORS,
    CONTENT_SECURITY_POLICY,
    FRONTEND_URL,
)

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
GRAPHQL_INTROSPECTION = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# The demo's ads name their pictures by FRONTEND_URL; the browser may have come by another name of this machine.
for _directive in ("img-src", "media-src"):
    CONTENT_SECURITY_POLICY["DIRECTIVES"][_directive].append(FRONTEND_URL)
# The demo accounts share the password "demo".
AUTH_PASSWORD_VALIDATORS.clear()
