"""The browser for tests that look at pages, and the demo's data."""

from config.tests.browser import browser, page
from config.tests.demo import demo

__all__ = ["browser", "demo", "page"]
