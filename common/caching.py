"""Who may keep an answer of the API: nobody, where it is somebody's."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

_API = ("/api/v1/", "/graphql")
_LOOKS = ("GET", "HEAD")
_NO_STORE: Final = "no-store"


class CachingMiddleware:
    """Says of each answer of the API that says nothing of it itself whether it may be kept.

    Browsers and proxies may keep an answer that says nothing (RFC 9111, 4.2.2), and show it to whoever has the browser
    next. So nothing that was asked with a sign-in is stored, nor what any call but a look answers, tokens among it.
    What is answered to nobody may be another to somebody: it is told apart by ``Authorization``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; see the class."""
        response = self.get_response(request)
        if request.path.startswith(_API) and "Cache-Control" not in response.headers:
            if request.method in _LOOKS and "HTTP_AUTHORIZATION" not in request.META:
                patch_vary_headers(response, ("Authorization",))
            else:
                response.headers["Cache-Control"] = _NO_STORE
        return response
