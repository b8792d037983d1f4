"""The staff's screens of this room."""

from analytics.admin import console, experiments, refused, reports

__all__ = ["console", "experiments", "refused", "reports"]
