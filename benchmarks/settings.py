"""Settings of the benchmarks: those of development (DEBUG is off there), with an empty view beside the product."""

import os

from config.settings.development import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
# One machine asks for everybody.
AD_SERVE_NETWORK_RATE_LIMIT = 1_000_000_000
# The stand-in for Resend, where a benchmark runs one.
if BENCH_RESEND := os.environ.get("BENCH_RESEND"):
    EMAIL_BACKEND = "notifications.mailer.resend.EmailBackend"
    ANYMAIL = {"RESEND_API_KEY": "re_bench", "RESEND_API_URL": BENCH_RESEND, "REQUESTS_TIMEOUT": 60}
    EMAIL_RATE_PER_MINUTE, EMAIL_RECIPIENT_RATE_PER_MINUTE = 100, 10
    # Minutes are simulated, so seconds cannot be waited for.
    EMAIL_RATE_PER_SECOND = 0
