from django.apps import AppConfig


class CommonConfig(AppConfig):
    """What every room stands on: queue, inbox, idempotency, audit, problems."""

    name = "common"
