"""The staff's screens of this room."""

from analytics.admin import experiments, refused, reports

__all__ = ["experiments", "refused", "reports"]
