from django.apps import AppConfig


class CommonConfig(AppConfig):
    """What every room stands on: queue, inbox, idempotency, audit, problems."""

    name = "common"
    verbose_name = "operations"

    def ready(self) -> None:
        """Register the start-up checks, what the metrics say of the queue, and the notes of scheduled runs."""
        from django.conf import settings

        from common import checks  # noqa: F401
        from common.health import register_check
        from common.metrics import register_at_scrape, serve
        from common.outbox.metrics import QueueCollector
        from common.schedules import celery as scheduled
        from common.schedules.metrics import ScheduleCollector, ask_schedules

        register_at_scrape(QueueCollector())
        register_at_scrape(ScheduleCollector())
        # Here and not where Celery is configured: it keeps what it notes in tables.
        scheduled.connect()
        register_check("schedules", ask_schedules, is_required=False, needs_database=True)
        if settings.METRICS_PORT:
            serve(settings.METRICS_PORT)
