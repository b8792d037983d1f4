"""Every address of the product."""

from importlib import import_module

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

# The busiest first: a call is held against each address before its own.
API_APPS = (
    "ads",
    "analytics",
    "accounts",
    "events",
    "offers",
    "payments",
    "tickets",
    "notifications",
    "waitlist",
)

# One list, so that it is not held against a prefix for each app besides.
_api = [address for app in API_APPS for address in import_module(f"{app}.rest.urls").urlpatterns]


def _no_page_on_the_site(request: HttpRequest, **_: str) -> HttpResponse:
    """Answer "view on site": nothing of ours leads there, and Django's own view breaks on ids that are no UUIDs."""
    raise Http404


urlpatterns = [
    path("admin/r/<path:rest>", admin.site.admin_view(_no_page_on_the_site)),
    path("admin/", admin.site.urls),
    path("", include("common.urls")),
    path("api/v1/", include(_api)),
    path("", include("config.storefront.urls")),
]
