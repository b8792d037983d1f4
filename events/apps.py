from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events, sessions, seats, attendance and registrations."""

    name = "events"
