"""Addresses of analytics under ``/api/v1/``."""

from analytics.rest.tracking import TrackView
from common.rest import optional_slash

urlpatterns = [optional_slash("analytics/track", TrackView.as_view(), name="analytics-track")]
