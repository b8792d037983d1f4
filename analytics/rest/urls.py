"""Addresses of analytics under ``/api/v1/``."""

from analytics.rest.figures import MonetizationView, RefreshView
from analytics.rest.tracking import TrackView
from common.rest import optional_slash

_EVENT = "analytics/events/<uuid:event_id>"

urlpatterns = [
    optional_slash("analytics/track", TrackView.as_view(), name="analytics-track"),
    optional_slash(f"{_EVENT}/monetization", MonetizationView.as_view(), name="monetization"),
    optional_slash(f"{_EVENT}/refresh", RefreshView.as_view(), name="analytics-refresh"),
]
