"""Reads of the e-mail outbox: what was written about a thing, how the channel does, what one person was told."""

from notifications.selectors.outbox import EmailHealth, email_health, emails_about, with_progress

__all__ = ["EmailHealth", "email_health", "emails_about", "with_progress"]
