from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AnalyticsConfig(AppConfig):
    """What was seen and what came of it: tracking, figures, reports, experiments."""

    name = "analytics"

    def ready(self) -> None:
        """Have the days of raw events made after each migration; the job by the clock goes on with it."""
        from analytics import handlers  # noqa: F401 jobs need the models first
        from analytics.figures_metrics import FiguresCollector
        from analytics.services import reports_words
        from common.metrics import register_at_scrape
        from notifications.templates import register

        register(reports_words.TEMPLATE)
        register_at_scrape(FiguresCollector())
        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="analytics-partitions")


def _make_partitions(sender: AppConfig, **_: object) -> None:
    from analytics.services.retention import EVENTS
    from common import clock

    if EVENTS.is_there():
        EVENTS.ensure_ahead(now=clock.now())
