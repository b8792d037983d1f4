"""Settings of the benchmarks: those of development (DEBUG is off there), with an empty view beside the product."""

from config.settings.development import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
# One machine asks for everybody.
AD_SERVE_NETWORK_RATE_LIMIT = 1_000_000_000
