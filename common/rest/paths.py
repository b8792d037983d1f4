"""Paths whose trailing slash is optional."""

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class _OptionalSlash(RoutePattern):
    def match(self, path: str) -> Any:
        """Match the rest of a path with or without one slash at its end."""
        return super().match(path.removesuffix("/"))


def optional_slash(route: str, view: Callable[..., HttpResponseBase], *, name: str) -> URLPattern:
    """Return one URL pattern, as ``django.urls.path`` would, that answers with and without a trailing slash.

    ``route`` is written without it, which is also how ``reverse`` and the OpenAPI schema show it.
    """
    if route.endswith("/"):
        raise ValueError(f"{route!r}: write the route without its trailing slash")
    return URLPattern(_OptionalSlash(route, name=name, is_endpoint=True), view, name=name)
