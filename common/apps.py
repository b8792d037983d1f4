from django.apps import AppConfig


class CommonConfig(AppConfig):
    """What every room stands on: queue, inbox, idempotency, audit, problems."""

    name = "common"
    verbose_name = "operations"

    def ready(self) -> None:
        """Register the start-up checks and what the metrics say of the queue."""
        from common import checks  # noqa: F401
        from common.metrics import register_at_scrape
        from common.outbox.metrics import QueueCollector

        register_at_scrape(QueueCollector())
