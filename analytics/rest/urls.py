"""Addresses of analytics under ``/api/v1/``."""

from analytics.rest import experiments
from analytics.rest.experiment_tracking import TrackResultsView
from analytics.rest.exports import ExportView
from analytics.rest.figures import MonetizationView, RefreshView
from analytics.rest.tracking import TrackView
from common.rest import optional_slash

_EVENT = "analytics/events/<uuid:event_id>"
_TEST = "ab-tests/<slug:test_id>"

urlpatterns = [
    optional_slash("analytics/track", TrackView.as_view(), name="analytics-track"),
    optional_slash(f"{_EVENT}/monetization", MonetizationView.as_view(), name="monetization"),
    optional_slash(f"{_EVENT}/export", ExportView.as_view(), name="analytics-export"),
    optional_slash(f"{_EVENT}/refresh", RefreshView.as_view(), name="analytics-refresh"),
    optional_slash("ab-tests/track", TrackResultsView.as_view(), name="ab-tests-track"),
    optional_slash("ab-tests", experiments.ExperimentsView.as_view(), name="ab-tests"),
    optional_slash(_TEST, experiments.ExperimentView.as_view(), name="ab-test"),
    optional_slash(f"{_TEST}/start", experiments.StartView.as_view(), name="start-ab-test"),
    optional_slash(f"{_TEST}/stop", experiments.StopView.as_view(), name="stop-ab-test"),
    optional_slash(f"{_TEST}/results", experiments.ResultsView.as_view(), name="ab-test-results"),
    optional_slash(
        "events/<uuid:event_id>/ab-tests", experiments.RunningView.as_view(), name="running-ab-tests"
    ),
]
