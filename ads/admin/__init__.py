"""The staff's screens of this room."""

from ads.admin import invalid, leads, sponsors

__all__ = ["invalid", "leads", "sponsors"]
