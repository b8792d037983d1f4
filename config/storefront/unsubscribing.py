"""The pages behind links that unsubscribe. They work without a script and without signing in (RFC 8058).

Looking never changes anything: scanners of mail follow every link. POST does it at once, whoever sends it: the link
itself is the proof, so no cookie is asked for.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from common import clock, ratelimits
from common.errors import RateLimited
from common.ratelimits import RateLimit
from common.rest import client_network
from notifications.errors import UnsubscribeLinkInvalid
from notifications.services import unsubscribing
from notifications.services.unsubscribing import Subscription

_Page = Callable[[HttpRequest, str], HttpResponse]


def _page(view: Callable[[HttpRequest, str], Subscription]) -> _Page:
    """Show how the subscription stands after the call, or why there was none."""

    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        context: dict[str, object] = {"page": "unsubscribe", "token": token}
        status, wait = 200, None
        try:
            limit = RateLimit("unsubscribe", settings.UNSUBSCRIBE_RATE_LIMIT, seconds=60)
            ratelimits.hit(limit, client_network(request))
            context["subscription"] = view(request, token)
        except UnsubscribeLinkInvalid:
            status = 400
        except RateLimited as refused:
            status, wait = 429, refused.retry_after
            context["wait"] = wait
        response = render(request, "storefront/unsubscribe.html", context, status=status)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        if wait is not None:
            response["Retry-After"] = str(wait)
        return response

    return answer


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@_page
def unsubscribe(request: HttpRequest, token: str) -> Subscription:
    """Ask (GET), or do it (POST: the page's button, or a mail program's one click)."""
    if request.method == "POST":
        return unsubscribing.unsubscribe(token, now=clock.now())
    return unsubscribing.look(token)


@csrf_exempt
@require_POST
@_page
def undo(request: HttpRequest, token: str) -> Subscription:
    """Take it back."""
    return unsubscribing.subscribe_again(token, now=clock.now())
