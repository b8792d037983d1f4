from django.apps import AppConfig


class WaitlistConfig(AppConfig):
    """Queues of full sessions, seat offers, the cascade."""

    name = "waitlist"
