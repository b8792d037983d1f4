from django.apps import AppConfig


class CommonConfig(AppConfig):
    """What every room stands on: queue, inbox, idempotency, audit, problems."""

    name = "common"
    verbose_name = "operations"

    def ready(self) -> None:
        """Register the start-up checks."""
        from common import checks  # noqa: F401
