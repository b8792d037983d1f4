"""The staff's screens of this room."""

from ads.admin import leads, sponsors

__all__ = ["leads", "sponsors"]
