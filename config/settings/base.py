"""Settings that every environment shares. Everything that differs comes from the environment.

Names and defaults: ``.env.example``. ``common.checks`` refuses at start-up what is missing or unsafe.
"""

from datetime import timedelta
from pathlib import Path

import environ

from config.settings import structured_logging, unfold

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

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
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.csp.AdminPolicyMiddleware",
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
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "build" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# The purchase path
FRONTEND_URL: str = env.str("FRONTEND_URL", default="")
PURCHASES_ENABLED: bool = env.bool("PURCHASES_ENABLED", default=True)
PURCHASE_RATE_LIMIT: int = env.int("PURCHASE_RATE_LIMIT", default=10)
PURCHASE_RATE_WINDOW_SECONDS: int = env.int("PURCHASE_RATE_WINDOW_SECONDS", default=60)
PURCHASE_ADDRESS_RATE_LIMIT: int = env.int("PURCHASE_ADDRESS_RATE_LIMIT", default=120)
RESERVATION_TTL_SECONDS: int = env.int("RESERVATION_TTL_SECONDS", default=900)
HOLD_LIMIT_UNITS: int = env.int("HOLD_LIMIT_UNITS", default=20)
HOLD_LIMIT_CHECKOUTS: int = env.int("HOLD_LIMIT_CHECKOUTS", default=3)

# Tickets. Keys that sign their codes: the newest first signs, all verify; none: one that follows from SECRET_KEY
TICKET_SIGNING_KEYS: list[str] = env.list("TICKET_SIGNING_KEYS", default=[])
TICKET_LIVE_SECONDS: int = env.int("TICKET_LIVE_SECONDS", default=300)
# Scans a minute of one scanner, and refused ones among them; hours after which a kept scan comes too late
SCAN_RATE_LIMIT: int = env.int("SCAN_RATE_LIMIT", default=120)
SCAN_INVALID_RATE_LIMIT: int = env.int("SCAN_INVALID_RATE_LIMIT", default=10)
SCAN_OFFLINE_HOURS: int = env.int("SCAN_OFFLINE_HOURS", default=24)

# Waitlists
WAITLIST_OFFER_TTL_SECONDS: int = env.int("WAITLIST_OFFER_TTL_SECONDS", default=900)
WAITLIST_JOIN_RATE_LIMIT: int = env.int("WAITLIST_JOIN_RATE_LIMIT", default=30)
WAITLIST_NEAR_FRONT_PLACES: int = env.int("WAITLIST_NEAR_FRONT_PLACES", default=3)

# Leads of sponsors, a minute: of an attendee, and of each of the sponsor's people
LEAD_RATE_LIMIT: int = env.int("LEAD_RATE_LIMIT", default=10)
LEAD_PEOPLE_RATE_LIMIT: int = env.int("LEAD_PEOPLE_RATE_LIMIT", default=120)

# Tracked events a minute of one address, which may be a whole venue's; and how long raw events are kept
TRACK_RATE_LIMIT: int = env.int("TRACK_RATE_LIMIT", default=120_000)
ANALYTICS_EVENT_RETENTION_DAYS: int = env.int("ANALYTICS_EVENT_RETENTION_DAYS", default=400)
# What the dashboard calls figures, as shares of 0 to 1: clicks by impressions, a stage's people who do not go on,
# purchases by views
CTR_EXCELLENT: float = env.float("CTR_EXCELLENT", default=0.05)
CTR_GOOD: float = env.float("CTR_GOOD", default=0.02)
DROPOFF_HIGH: float = env.float("DROPOFF_HIGH", default=0.7)
DROPOFF_MODERATE: float = env.float("DROPOFF_MODERATE", default=0.4)
CONVERSION_SUCCESS: float = env.float("CONVERSION_SUCCESS", default=0.02)

# Ads: how long a served ad may be counted, and how long it holds caps and budgets before it is, in seconds
AD_TOKEN_TTL_SECONDS: int = env.int("AD_TOKEN_TTL_SECONDS", default=3600)
AD_RESERVATION_SECONDS: int = env.int("AD_RESERVATION_SECONDS", default=120)
# How often ads may be asked for a minute, in each process: by one viewer, and from one address
AD_SERVE_VIEWER_RATE_LIMIT: int = env.int("AD_SERVE_VIEWER_RATE_LIMIT", default=600)
AD_SERVE_NETWORK_RATE_LIMIT: int = env.int("AD_SERVE_NETWORK_RATE_LIMIT", default=120_000)
# What may be told of ads a minute, in impressions and clicks: of one viewer, and from one address
AD_VIEWER_RATE_LIMIT: int = env.int("AD_VIEWER_RATE_LIMIT", default=120)
AD_NETWORK_RATE_LIMIT: int = env.int("AD_NETWORK_RATE_LIMIT", default=12000)
AD_CLICK_NETWORK_RATE_LIMIT: int = env.int("AD_CLICK_NETWORK_RATE_LIMIT", default=60)
# How many days raw events are kept; figures of days stay
AD_EVENT_RETENTION_DAYS: int = env.int("AD_EVENT_RETENTION_DAYS", default=90)

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
EMAIL_RATE_PER_MINUTE: int = env.int("EMAIL_RATE_PER_MINUTE", default=100)
EMAIL_RECIPIENT_RATE_PER_MINUTE: int = env.int("EMAIL_RECIPIENT_RATE_PER_MINUTE", default=10)

# The durable queue
OUTBOX_WAKE: bool = env.bool("OUTBOX_WAKE", default=True)
DEAD_JOBS_ALERT: int = env.int("DEAD_JOBS_ALERT", default=10)
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
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

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.rest.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.rest.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "common.rest.pagination.LimitOffset",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "common.rest.schema.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "common.problems.drf_exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Marquee",
    "DESCRIPTION": "Monetization of events: offers, tickets, payments, notifications.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["common.rest.schema.describe_api_only"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.rest.schema.add_problem_schema",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "payments.models.OrderStatus",
        "PaymentStatus": "payments.models.PaymentStatus",
        "RefundStatus": "payments.rest.serializers.SHOWN_REFUND_STATUSES",
        "PurchaseStatus": "offers.models.PurchaseStatus",
        "AttendanceStatus": "events.models.AttendanceStatus",
        "AdStatus": "ads.types.ads.AdStatus",
        "AdPlacement": "ads.models.AdPlacement",
        "AdContentType": "ads.models.ContentType",
        "AdPriceModel": "ads.models.PriceModel",
        "AdPacing": "ads.models.Pacing",
        "LeadSource": "ads.models.LeadSource",
        "AdInvalidReason": "ads.models.InvalidReason",
        "TicketStatus": "tickets.models.TicketStatus",
        "ScanResult": "tickets.models.ScanResult",
        "ScanReason": "tickets.models.ScanReason",
        "ScanDirection": "tickets.models.Direction",
        "TicketCodeKind": "tickets.rest.serializers.SHOWN_KINDS",
        "PriorityEnum": "tickets.models.Priority",
        "WaitlistStatus": "waitlist.models.EntryStatus",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
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
# A process without a web page of its own (worker, run_jobs, realtime) tells its metrics here; 0: nowhere.
PROMETHEUS_METRICS_EXPORT_PORT: int = env.int("METRICS_PORT", default=0)
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
REALTIME_RETENTION_HOURS: int = env.int("REALTIME_RETENTION_HOURS", default=24)
REALTIME_EVENTS_PER_SECOND: int = env.int("REALTIME_EVENTS_PER_SECOND", default=20)
REALTIME_CHECK_SECONDS: float = env.float("REALTIME_CHECK_SECONDS", default=20)
REALTIME_LEGACY_EVENTS: bool = env.bool("REALTIME_LEGACY_EVENTS", default=False)

LOGGING = structured_logging.LOGGING
LOGGING_CONFIG = "common.logging.configure"
UNFOLD = unfold.UNFOLD
PROMETHEUS_EXPORT_MIGRATIONS = False
