from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The channels: e-mail, push, real time."""

    name = "notifications"

    def ready(self) -> None:
        """Register the jobs of this room, the rooms of events, the checks and the push channel."""
        from common.health import register_check
        from common.metrics import register_at_scrape
        from notifications import checks, handlers, kinds, push, push_checks, push_jobs, readiness  # noqa: F401 models come first
        from notifications.realtime import visitors  # noqa: F401
        from notifications.scraped import EmailCollector
        from notifications.services.push import queueing

        kinds.register(kinds.ANNOUNCEMENTS)
        kinds.register(kinds.DEVICE_TESTS, kinds.TEST_MESSAGE)
        push.register(queueing.channel)
        register_at_scrape(EmailCollector())
        register_check("email", readiness.ask_email, is_required=False, needs_database=True)
        register_check("push", readiness.ask_push, is_required=False, needs_database=True)
