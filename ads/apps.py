"""The ads room."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AdsConfig(AppConfig):
    """Sponsors of events and their leads."""

    name = "ads"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from ads import handlers  # noqa: F401 jobs need the models first
        from ads.figures_metrics import FiguresCollector
        from ads.rooms import may_listen, may_listen_still
        from ads.services.versions import event_changed
        from common.metrics import register_at_scrape
        from events.registry import register_event_follower
        from notifications.realtime.rooms import rooms

        register_event_follower(event_changed)
        rooms.register("sponsor:{id}", may_listen, may_stay=may_listen_still, is_asked_first=True)
        register_at_scrape(FiguresCollector())
        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="ad-partitions")


def _make_partitions(sender: AppConfig, **_: object) -> None:
    """Make the days of raw events after each migration; the job by the clock goes on with it."""
    from ads.services import partitions
    from common import clock

    if partitions.is_there():
        partitions.ensure_ahead(now=clock.now())
