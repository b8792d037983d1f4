"""The staff's screens of this room."""

from analytics.admin import experiments

__all__ = ["experiments"]
