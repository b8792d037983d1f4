from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The channels: e-mail, push, real time."""

    name = "notifications"

    def ready(self) -> None:
        """Register the jobs of this room, the rooms of events, the checks and the push channel."""
        from common.metrics import register_at_scrape
        from notifications import checks, handlers, kinds, push, push_checks, push_jobs  # noqa: F401 models come first
        from notifications.realtime import visitors  # noqa: F401
        from notifications.scraped import EmailCollector
        from notifications.services.push import queueing

        kinds.register(kinds.ANNOUNCEMENTS)
        push.register(queueing.channel)
        register_at_scrape(EmailCollector())
