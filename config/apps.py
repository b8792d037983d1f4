"""The top floor as an app: it owns the demo data and the storefront, and loads Celery with Django."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    """Loads the Celery app in every process, so that wake-ups go to the configured broker."""

    name = "config"
    label = "house"

    def ready(self) -> None:
        """Import the Celery app, which reads the settings."""
        from config import celery  # noqa: F401
