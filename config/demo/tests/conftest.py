"""The demo's data for tests that look at it."""

from config.tests.demo import demo

__all__ = ["demo"]
