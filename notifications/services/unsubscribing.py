"""Links by which a person does without a kind of messages, without signing in (RFC 8058).

The link is signed and names the person, the kind and the channel. It has no end: people press it in mail that is
years old. It dies with the key that signed it (``SECRET_KEY``; ``SECRET_KEY_FALLBACKS`` are accepted).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction

from accounts.models import User
from common.db import retrying
from notifications import kinds
from notifications.errors import UnsubscribeLinkInvalid
from notifications.kinds import Channel, Kind
from notifications.models import MutedBy, MutedKind, NotificationPreferences

_SALT: Final = "notifications.unsubscribe"
_LONGEST: Final = 250


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a link is about. ``is_on``: the person gets such messages."""

    user_id: UUID
    kind: Kind
    channel: Channel
    is_on: bool


def link_for(user_id: UUID, kind: Kind, channel: Channel) -> str:
    """Return the address of the page that asks, which by POST unsubscribes; the same each time."""
    return f"{settings.FRONTEND_URL.rstrip('/')}/unsubscribe/{token_for(user_id, kind.name, channel)}"


def token_for(user_id: UUID, kind: str, channel: Channel) -> str:
    """Return the token of a link. Nothing of it is stored."""
    return signing.Signer(salt=_SALT).sign(f"{user_id.hex}.{kind}.{channel.value}")


def look(token: str) -> Subscription:
    """Return what a link is about and how it stands; changes nothing. Raises ``UnsubscribeLinkInvalid``."""
    user_id, kind, channel = _read(token)
    is_off = MutedKind.objects.filter(preferences=user_id, kind=kind.name, channel=channel).exists()
    return Subscription(user_id, kind, channel, is_on=not is_off)


@retrying
@transaction.atomic
def unsubscribe(token: str, *, now: datetime) -> Subscription:
    """Let the person do without the kind on the channel from now on; once more changes nothing.

    Raises ``UnsubscribeLinkInvalid``.
    """
    user_id, kind, channel = _read(token)
    NotificationPreferences.objects.bulk_create(
        [NotificationPreferences(user_id=user_id, changed_at=now)], ignore_conflicts=True
    )
    # Where a rival is first, this waits for it and adds nothing.
    chosen = NotificationPreferences.objects.select_for_update().get(pk=user_id)
    _, is_new = MutedKind.objects.get_or_create(
        preferences=chosen, kind=kind.name, channel=channel,
        defaults={"muted_by": MutedBy.UNSUBSCRIBE, "muted_at": now},
    )  # fmt: skip
    if is_new:
        NotificationPreferences.objects.filter(pk=user_id).update(changed_at=now)
    return Subscription(user_id, kind, channel, is_on=False)


@retrying
@transaction.atomic
def subscribe_again(token: str, *, now: datetime) -> Subscription:
    """Take an unsubscribing back; once more changes nothing. Raises ``UnsubscribeLinkInvalid``."""
    user_id, kind, channel = _read(token)
    ended, _ = MutedKind.objects.filter(preferences=user_id, kind=kind.name, channel=channel).delete()
    if ended:
        NotificationPreferences.objects.filter(pk=user_id).update(changed_at=now)
    return Subscription(user_id, kind, channel, is_on=True)


def _read(token: str) -> tuple[UUID, Kind, Channel]:
    """Return what the token names; the comparison of its signature takes constant time."""
    if len(token) > _LONGEST:
        raise UnsubscribeLinkInvalid
    try:
        user_id, name, channel_name = signing.Signer(salt=_SALT).unsign(token).split(".")
    except signing.BadSignature as error:
        raise UnsubscribeLinkInvalid from error
    kind, channel = kinds.find(name), Channel(channel_name)
    person = UUID(hex=user_id)
    # Signed by us, and still: a kind may have ended, or be no choice any more, and a person may be gone.
    if kind is None or not kind.may_switch_off(channel) or not User.objects.filter(pk=person).exists():
        raise UnsubscribeLinkInvalid
    return person, kind, channel
