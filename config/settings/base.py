"""Settings that every environment shares. Everything that differs comes from the environment.

Names and defaults: ``.env.example``. ``common.checks`` refuses at start-up what is missing or unsafe.
"""

import zoneinfo
from datetime import timedelta
from pathlib import Path

import environ

from config.settings import structured_logging, unfold
from config.settings.product import *  # noqa: F403
from config.settings.rest import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

# Time zones are those of the locked package ``tzdata``, whatever the machine has: each process says the same days.
zoneinfo.reset_tzpath(to=[])

ENVIRONMENT: str = env.str("ENVIRONMENT", default="production")
DEBUG = False
SECRET_KEY: str = env.str("SECRET_KEY", default="")
JWT_SECRET: str = env.str("JWT_SECRET", default="")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".local")))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "graphene_django",
    "django_celery_beat",
    "django_prometheus",
    "anymail",
    "common",
    "accounts",
    "events",
    "notifications",
    "payments",
    "tickets",
    "offers",
    "waitlist",
    "ads",
    "analytics",
    "config",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "common.requests.RequestIdMiddleware",
    "common.problems.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Behind the one before: files of the site are small enough to hold nobody up.
    "common.streams.StreamsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.csp.AdminPolicyMiddleware",
    "common.caching.CachingMiddleware",
    "common.problems.ProblemMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
APPEND_SLASH = False

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL holds the truth. A pool, because opening a connection costs more than most requests.
# lock_timeout: a service that loses a race is retried (common.db.retrying); no transaction outlives a minute.
POSTGRES_OPTIONS = (
    "-c lock_timeout=3000 -c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
)
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://localhost/marquee")}
DATABASES["default"] |= {
    "ENGINE": "common.postgres",
    "ATOMIC_REQUESTS": False,
    "CONN_MAX_AGE": 0,
    # The pool tries a connection before handing it out (ENGINE says how): one that a restart broke is replaced.
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "options": POSTGRES_OPTIONS,
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=10),
            "timeout": 5,
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env.str("REDIS_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.2, "SOCKET_TIMEOUT": 0.5, "IGNORE_EXCEPTIONS": True},
        "KEY_PREFIX": "marquee",
    },
}
# Sessions stay in PostgreSQL: staff are not signed out when Redis is flushed.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=30))
REFRESH_TOKEN_LIFETIME = timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=14))
LOGIN_RATE_LIMIT: int = env.int("LOGIN_RATE_LIMIT", default=10)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
# English only: texts are not looked up in catalogs.
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "build" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Stripe
STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS: list[str] = env.list("STRIPE_WEBHOOK_SECRET", default=[])
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", default="")
STRIPE_CHECKOUT_EXPIRY_MINUTES: int = env.int("STRIPE_CHECKOUT_EXPIRY_MINUTES", default=40)
STRIPE_TIMEOUT_SECONDS: float = env.float("STRIPE_TIMEOUT_SECONDS", default=15.0)
STRIPE_WEBHOOK_MAX_BYTES: int = env.int("STRIPE_WEBHOOK_MAX_BYTES", default=512 * 1024)

# E-mail: SMTP by EMAIL_URL, or Resend by its key.
RESEND_API_KEY: str = env.str("RESEND_API_KEY", default="")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
if RESEND_API_KEY:
    EMAIL_BACKEND = "notifications.mailer.resend.EmailBackend"
    ANYMAIL = {"RESEND_API_KEY": RESEND_API_KEY, "REQUESTS_TIMEOUT": EMAIL_TIMEOUT}
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Marquee <no-reply@localhost>")

# The durable queue
OUTBOX_WAKE: bool = env.bool("OUTBOX_WAKE", default=True)
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
# There are no results to clean up: without this beat would run a nightly task for them.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "money"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# None: keep trying for as long as Redis is away; the database holds what is due.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_connect_timeout": 0.5,
    "socket_timeout": 5,
    "queue_order_strategy": "priority",
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

GRAPHENE = {"SCHEMA": "config.graphql.schema"}
GRAPHQL_ACTOR_RESOLVER = "accounts.rest.authentication.resolve_graphql_actor"
GRAPHQL_INTROSPECTION: bool = env.bool("GRAPHQL_INTROSPECTION", default=False)

CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api|graphql)"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = ["retry-after", "x-request-id"]
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXY_COUNT: int = env.int("TRUSTED_PROXY_COUNT", default=0)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
# Where the processes of a machine add up their counters; prometheus_client wants the folder to be there.
if env.str("PROMETHEUS_MULTIPROC_DIR", default=""):
    Path(env.str("PROMETHEUS_MULTIPROC_DIR")).mkdir(parents=True, exist_ok=True)
else:
    # Set and empty would mean the folder it was started in.
    env.ENVIRON.pop("PROMETHEUS_MULTIPROC_DIR", None)
# Where a process tells its metrics inside a private network, without a password; 0: nowhere.
METRICS_PORT: int = env.int("METRICS_PORT", default=0)
METRICS_NETWORKS: list[str] = env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"])

# Pages carry no inline script. The admin theme evaluates Alpine expressions, so it alone needs unsafe-eval
# (config.csp); fonts and pictures of offers come over https.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "https:"],
        "media-src": ["'self'", "https:"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# Where browsers find Socket.IO: empty for this same origin, as behind the proxy.
REALTIME_PUBLIC_URL: str = env.str("REALTIME_PUBLIC_URL", default="")
if REALTIME_PUBLIC_URL:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"].append(REALTIME_PUBLIC_URL.replace("http", "ws", 1))
REALTIME_PORT: int = env.int("REALTIME_PORT", default=8002)
REALTIME_CHANNEL: str = env.str("REALTIME_CHANNEL", default=f"marquee.realtime.{ENVIRONMENT}")

LOGGING = structured_logging.LOGGING
LOGGING_CONFIG = "common.logging.configure"
UNFOLD = unfold.UNFOLD
PROMETHEUS_EXPORT_MIGRATIONS = False
