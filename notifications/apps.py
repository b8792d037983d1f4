from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The channels: e-mail, real time."""

    name = "notifications"

    def ready(self) -> None:
        """Register the jobs of this room, the rooms of events, and the check of everybody's e-mail templates."""
        from notifications import checks, handlers, kinds  # noqa: F401 models are loaded only now
        from notifications.realtime import visitors  # noqa: F401

        kinds.register(kinds.ANNOUNCEMENTS)
