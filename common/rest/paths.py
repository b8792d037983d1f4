"""Paths whose trailing slash is optional."""

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class _OptionalSlash(RoutePattern):
    def __init__(self, route: str, name: str) -> None:
        super().__init__(route, name=name, is_endpoint=True)
        self._start = route.partition("<")[0]

    def match(self, path: str) -> Any:
        """Match the rest of a path with or without one slash at its end."""
        # Each request is held against all routes before its own: most are told by how they begin.
        return super().match(path.removesuffix("/")) if path.startswith(self._start) else None


def optional_slash(route: str, view: Callable[..., HttpResponseBase], *, name: str) -> URLPattern:
    """Return one URL pattern, as ``django.urls.path`` would, that answers with and without a trailing slash.

    ``route`` is written without it, which is also how ``reverse`` and the OpenAPI schema show it.
    """
    if route.endswith("/"):
        raise ValueError(f"{route!r}: write the route without its trailing slash")
    return URLPattern(_OptionalSlash(route, name), view, name=name)
