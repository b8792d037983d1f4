"""Addresses of the waitlist under ``/api/v1/``, of both generations where there are two."""

from common.rest import optional_slash
from waitlist.rest import staff, views

_QUEUE = "sessions/<uuid:session_id>/waitlist"

urlpatterns = [
    optional_slash(_QUEUE, views.WaitlistView.as_view(), name="waitlist"),
    optional_slash(f"{_QUEUE}/position", views.PositionView.as_view(), name="waitlist-position"),
    optional_slash(f"{_QUEUE}/accept", views.AcceptView.as_view(), name="waitlist-accept"),
    optional_slash(f"{_QUEUE}/accept-offer", views.AcceptOfferView.as_view(), name="waitlist-accept-offer"),
    optional_slash(f"{_QUEUE}/decline", views.DeclineView.as_view(), name="waitlist-decline"),
    optional_slash(f"{_QUEUE}/standing", staff.StandingView.as_view(), name="waitlist-standing"),
    optional_slash(f"{_QUEUE}/entries", staff.EntriesView.as_view(), name="waitlist-entries"),
    optional_slash(f"{_QUEUE}/entries/<uuid:entry_id>", staff.EntryView.as_view(), name="waitlist-entry"),
    optional_slash(f"{_QUEUE}/entries/<uuid:entry_id>/move", staff.MoveView.as_view(), name="waitlist-move"),
    optional_slash(f"{_QUEUE}/offers", staff.OffersView.as_view(), name="waitlist-offers"),
    optional_slash(f"{_QUEUE}/bulk-offers", staff.BulkOffersView.as_view(), name="waitlist-bulk-offers"),
    optional_slash(f"{_QUEUE}/bulk-remove", staff.BulkRemoveView.as_view(), name="waitlist-bulk-remove"),
    optional_slash(f"{_QUEUE}/pause", staff.PauseView.as_view(), name="waitlist-pause"),
    optional_slash(f"{_QUEUE}/resume", staff.ResumeView.as_view(), name="waitlist-resume"),
    optional_slash(
        "sessions/<uuid:session_id>/capacity", staff.CapacityView.as_view(), name="session-capacity"
    ),
    optional_slash(
        "events/<uuid:event_id>/waitlist/analytics",
        staff.AnalyticsView.as_view(),
        name="waitlist-analytics",
    ),
]
