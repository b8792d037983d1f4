"""One view: a page is a template, and the template's script talks to the API like any other front end."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


def page(name: str) -> Callable[..., HttpResponse]:
    """Return the view of ``templates/storefront/<name>.html``; path parameters reach the template."""

    @require_safe
    def view(request: HttpRequest, **parameters: object) -> HttpResponse:
        context = {
            "page": name,
            "is_demo": settings.ENVIRONMENT == "development",
            "realtime_url": settings.REALTIME_PUBLIC_URL,
            **parameters,
        }
        return render(request, f"storefront/{name}.html", context)

    return view


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the script that takes push messages. It lies at the root, so that it answers for every page."""
    script = (Path(settings.BASE_DIR) / "static" / "storefront" / "service-worker.js").read_bytes()
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response
