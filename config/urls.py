"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

API_APPS = ("accounts", "events", "offers", "payments", "tickets", "notifications", "waitlist", "ads", "analytics")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("common.urls")),
    *(path("api/v1/", include(f"{app}.rest.urls")) for app in API_APPS),
    path("", include("config.storefront.urls")),
]
