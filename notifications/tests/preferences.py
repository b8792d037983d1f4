"""People's choices to speak of in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time

from accounts.models import User
from accounts.tests.factories import NOW
from notifications import kinds
from notifications.kinds import Channel, Kind
from notifications.models import MutedBy, MutedKind, NotificationPreferences


def preferences_row(user: User) -> NotificationPreferences:
    """Return the row of a person's choices, made if it is not there."""
    return NotificationPreferences.objects.get_or_create(user=user, defaults={"changed_at": NOW})[0]


def mute(user: User, kind: str, channel: Channel, *, by: MutedBy = MutedBy.SETTINGS) -> None:
    """Let a person do without a kind on a channel."""
    MutedKind.objects.create(
        preferences=preferences_row(user), kind=kind, channel=channel, muted_by=by, muted_at=NOW
    )


def quiet_at_night(user: User, time_zone: str = "UTC") -> None:
    """Let a person not be disturbed from 22 to 7 o'clock."""
    row = preferences_row(user)
    row.quiet_starts_at, row.quiet_ends_at, row.time_zone = time(22), time(7), time_zone
    row.save()


def muted_of(user: User) -> set[tuple[str, str]]:
    """Return what a person does without."""
    return set(MutedKind.objects.filter(preferences__user=user).values_list("kind", "channel"))


@contextmanager
def optional_kind(*messages: str) -> Iterator[Kind]:
    """Register a kind that people may do without, to which these messages belong."""
    kind = Kind("test_news", "News", "What is new.", is_transactional=False, channels=frozenset(Channel))
    kinds.register(kind, *messages)
    try:
        yield kind
    finally:
        kinds.registry.remove(kind.name)
