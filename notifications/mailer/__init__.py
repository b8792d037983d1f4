"""Handing one e-mail to the provider that the settings name, and reading what its answer means."""

from notifications.mailer.channel import close, send
from notifications.mailer.verdicts import Verdict

__all__ = ["Verdict", "close", "send"]
