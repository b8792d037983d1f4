"""What ``/readyz`` says of the channels: people are written to later while one is paused; all else goes on."""

from common import clock
from common.health import NotReady
from notifications.models import EmailChannel
from notifications.selectors.push import paused_names


def ask_email() -> None:
    """Raise ``NotReady`` while no e-mail goes out. Why, is for staff: the admin's outbox and the log."""
    if EmailChannel.objects.filter(paused_until__gt=clock.now()).exists():
        raise NotReady("paused")


def ask_push() -> None:
    """Raise ``NotReady`` with the push providers, and parts of them, that are paused."""
    names = paused_names(clock.now())
    if names:
        raise NotReady(f"paused: {', '.join(names)}")
