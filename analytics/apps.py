from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """What was seen and what came of it: tracking, figures, reports, experiments."""

    name = "analytics"
