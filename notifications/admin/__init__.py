"""The staff's screens of what is written to people."""

from notifications.admin.email import EmailMessageAdmin

__all__ = ["EmailMessageAdmin"]
