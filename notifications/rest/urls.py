"""Addresses of this room below ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

from common.problems import bounds_own_body
from common.rest import optional_slash
from notifications.rest.views import MissedView
from notifications.rest.webhooks import resend_webhook

urlpatterns: list[URLPattern | URLResolver] = [
    optional_slash("realtime/missed", MissedView.as_view(), name="realtime-missed"),
    # Any body that is too large for an event is the same 400, however large it is.
    optional_slash("webhooks/resend", bounds_own_body(resend_webhook), name="resend-webhook"),
]
