"""The top floor as an app: demo, storefront, schedules; it loads Celery with Django."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class HouseConfig(AppConfig):
    """Loads the Celery app in every process, so that wake-ups go to the configured broker."""

    name = "config"
    label = "house"

    def ready(self) -> None:
        """Import the Celery app, which reads the settings; fill in schedules after each migration."""
        from config import celery  # noqa: F401
        from config.schedules import ensure_schedules

        # The signal comes for apps with tables: for the one whose tables these are.
        beat = apps.get_app_config("django_celery_beat")
        post_migrate.connect(ensure_schedules, sender=beat, dispatch_uid="schedules")
