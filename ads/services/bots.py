"""Where ads look for ``common.bots``."""

from common.bots import is_bot

__all__ = ["is_bot"]
