"""The browser for tests that look at pages."""

from config.tests.browser import browser, page

__all__ = ["browser", "page"]
