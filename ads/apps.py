"""The ads room."""

from django.apps import AppConfig


class AdsConfig(AppConfig):
    """Sponsors of events and their leads."""

    name = "ads"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from ads import handlers  # noqa: F401 jobs need the models first
        from ads.rooms import may_listen
        from notifications.realtime.rooms import rooms

        rooms.register("sponsor:{id}", may_listen)
