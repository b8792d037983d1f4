"""The staff's screens of this room."""

from analytics.admin import experiments, refused

__all__ = ["experiments", "refused"]
