"""Addresses of this room below ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

from common.rest import optional_slash
from notifications.rest.views import MissedView

urlpatterns: list[URLPattern | URLResolver] = [
    optional_slash("realtime/missed", MissedView.as_view(), name="realtime-missed"),
]
