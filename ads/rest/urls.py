"""Addresses of this room under ``/api/v1/``."""

from ads.rest import sponsors
from common.rest import optional_slash

urlpatterns = [
    optional_slash(
        "events/<uuid:event_id>/sponsors", sponsors.EventSponsorsView.as_view(), name="event-sponsors"
    ),
    optional_slash("sponsors/<uuid:sponsor_id>/leads", sponsors.LeadsView.as_view(), name="sponsor-leads"),
    optional_slash(
        "sponsors/<uuid:sponsor_id>/leads/export",
        sponsors.LeadsExportView.as_view(),
        name="sponsor-leads-export",
    ),
]
