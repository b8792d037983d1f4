from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The channels: e-mail, real time."""

    name = "notifications"
