"""The staff's screens of this room."""

from ads.admin import ads, invalid, leads, sponsors

__all__ = ["ads", "invalid", "leads", "sponsors"]
