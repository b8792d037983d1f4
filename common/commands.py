"""What commands of ``manage.py`` share."""

from argparse import ArgumentTypeError
from datetime import date, datetime
from typing import Final

from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

# How a command ends that did not get through its work, so that it says nothing of it: an option that makes no sense,
# what is not there, Stripe or Redis away. 1 is "it looked, and something was off".
NOT_DONE: Final = 2


def instant(option: str, text: str | None) -> datetime | None:
    """Read an option's instant; None where it was not given. Raises ``CommandError``, naming the option."""
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CommandError(
            f"{option}: give an instant with its offset, such as 2026-11-20T00:00:00Z.", returncode=NOT_DONE
        )
    return found


def day(text: str) -> date:
    """Read an option's day, as ``type=day`` of an argument. Raises what argparse tells with the option's name."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("give a day, such as 2026-11-20.") from None
