"""The admin's Content-Security-Policy: the theme needs more than the other pages may have."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# django-unfold: Alpine evaluates expressions in attributes, and elements are hidden and sized by inline styles.
# Scripts still come from our own origin only; no inline script runs.
_ADMIN = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}


class AdminPolicyMiddleware:
    """Widens the policy of admin pages by what the theme needs; stands inside of django-csp's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and mark admin pages for django-csp."""
        response = self._get_response(request)
        match = request.resolver_match
        if match is not None and "admin" in match.namespaces and not hasattr(response, "_csp_update"):
            response._csp_update = _ADMIN  # type: ignore[attr-defined]
        return response
