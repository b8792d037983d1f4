"""Looks that many take at once: answered beside DRF, whose machinery costs more than they do."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.views import APIView

from accounts.rest.authentication import BearerAuthentication
from common.problems import drf_exception_handler

_LOOKS = ("GET", "HEAD")


class HotGetView(APIView):
    """A view of DRF and of the OpenAPI schema whose ``get`` takes Django's request and returns its response.

    The token is asked for as everywhere, and ``request.user`` is its user; refusals are answered by the
    ``ProblemMiddleware``. Only JSON is spoken, whatever was asked for. Other methods are DRF's as ever.
    """

    get: Callable[..., HttpResponse]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer a look; hand everything else on."""
        if request.method not in _LOOKS:
            return super().dispatch(request, *args, **kwargs)
        try:
            found = BearerAuthentication().authenticate(request)
        except AuthenticationFailed as refusal:
            return drf_exception_handler(refusal, {})
        request.user = AnonymousUser() if found is None else found[0]
        return self.get(request, *args, **kwargs)
