"""The waitlist's screens."""

from waitlist.admin.screens import WaitlistAdmin

__all__ = ["WaitlistAdmin"]
