"""Addresses of this room, under ``/api/v1/``."""

from common.rest import optional_slash
from events.rest.views import EventDetail, EventList, SessionAttendance, SessionDetail, SessionList

urlpatterns = [
    optional_slash("events", EventList.as_view(), name="events"),
    optional_slash("events/<uuid:event_id>", EventDetail.as_view(), name="event"),
    optional_slash("events/<uuid:event_id>/sessions", SessionList.as_view(), name="event-sessions"),
    optional_slash("sessions/<uuid:session_id>", SessionDetail.as_view(), name="session"),
    optional_slash(
        "sessions/<uuid:session_id>/attendance", SessionAttendance.as_view(), name="session-attendance"
    ),
]
