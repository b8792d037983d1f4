"""Addresses of this room below ``/api/v1/``."""

from django.urls import URLPattern, URLResolver

from common.problems import bounds_own_body
from common.rest import optional_slash
from notifications.rest.devices import DevicesView, DeviceView, WebKeyView
from notifications.rest.preferences import PreferencesView
from notifications.rest.receipts import PushReceiptsView
from notifications.rest.views import MissedView
from notifications.rest.webhooks import resend_webhook

urlpatterns: list[URLPattern | URLResolver] = [
    optional_slash("realtime/missed", MissedView.as_view(), name="realtime-missed"),
    optional_slash("me/devices", DevicesView.as_view(), name="my-devices"),
    optional_slash("me/devices/<uuid:device_id>", DeviceView.as_view(), name="my-device"),
    optional_slash("me/notification-preferences", PreferencesView.as_view(), name="notification-preferences"),
    optional_slash("me/push-receipts", PushReceiptsView.as_view(), name="push-receipts"),
    optional_slash("push/web-key", WebKeyView.as_view(), name="push-web-key"),
    # Any body that is too large for an event is the same 400, however large it is.
    optional_slash("webhooks/resend", bounds_own_body(resend_webhook), name="resend-webhook"),
]
