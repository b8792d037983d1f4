from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AnalyticsConfig(AppConfig):
    """What was seen and what came of it: tracking, figures, reports, experiments."""

    name = "analytics"

    def ready(self) -> None:
        """Have the days of raw events made after each migration; the job by the clock goes on with it.

        The screens of events lead to the console.
        """
        from accounts.types import Capability
        from analytics import checks, handlers  # noqa: F401 start-up checks; jobs need the models first
        from analytics.figures_metrics import FiguresCollector
        from analytics.services.reports import words
        from common.metrics import register_at_scrape
        from events.admin_pages import EventPage, register_event_page

        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="analytics-partitions")
        words.register_templates()
        register_at_scrape(FiguresCollector())
        register_event_page(
            EventPage("Console", "dashboard", "admin:analytics_event_dashboard", Capability.VIEW_ANALYTICS)
        )


def _make_partitions(sender: AppConfig, **_: object) -> None:
    from analytics.services.retention import EVENTS
    from common import clock

    if EVENTS.is_there():
        EVENTS.ensure_ahead(now=clock.now())
