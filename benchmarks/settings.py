"""Settings of the benchmarks: those of development (DEBUG is off there), with an empty view beside the product."""

from config.settings.development import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
