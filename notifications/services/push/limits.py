"""How many push messages may begin now: counted exactly, from the messages of the last hour (REQ NO-04).

Each message that was begun is a token. Every window of an hour, ``[t, t + 1 h)``, holds at most
``PUSH_USER_RATE_PER_HOUR`` of one person (urgent ones pass, and count), and ``PUSH_CAMPAIGN_RATE_PER_HOUR`` of one
campaign. Tokens of one person, and of one campaign, are taken one after the other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet

from common.outbox import Condition
from notifications.models import PushChannel, PushDevice, PushMessage, PushPart
from notifications.pushing import parts

HOUR: Final = timedelta(hours=1)
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
USER_FULL: Final = "The person got as many messages as an hour allows"
CAMPAIGN_FULL: Final = "The campaign sent as many messages as an hour allows"


@dataclass(frozen=True, slots=True)
class Wait:
    """A message may not begin yet; there may be room in ``seconds``."""

    seconds: float
    reason: str


def lock_tokens(message: PushMessage) -> None:
    """Wait for whoever is taking a token of the same campaign or person; held until the transaction ends."""
    with connection.cursor() as cursor:
        if message.campaign_id is not None:
            cursor.execute(_LOCK, [f"push:campaign:{message.campaign_id}"])
        cursor.execute(_LOCK, [f"push:user:{message.user_id}"])


def campaign_wait(message: PushMessage, *, now: datetime) -> Wait | None:
    """Return how long the campaign has no room for the message, None when it has."""
    if message.campaign_id is None:
        return None
    tokens = Q(campaign_id=message.campaign_id)
    return _wait(tokens, settings.PUSH_CAMPAIGN_RATE_PER_HOUR, CAMPAIGN_FULL, now)


def user_wait(message: PushMessage, *, now: datetime) -> Wait | None:
    """Return how long the person had enough, None when there is room. Urgent ones are not asked."""
    if message.is_urgent:
        return None
    return _wait(Q(user_id=message.user_id), settings.PUSH_USER_RATE_PER_HOUR, USER_FULL, now)


def paused_until(device: PushDevice, *, now: datetime) -> datetime | None:
    """Return until when a device's provider, or its part of it, is not written to, None when it is. One statement."""
    provider = PushChannel.objects.filter(provider=device.provider, paused_until__gt=now)
    part = PushPart.objects.filter(name=parts.part_of(device), paused_until__gt=now)
    found = provider.values_list("paused_until", flat=True).union(part.values_list("paused_until", flat=True))
    return max((until for until in found if until is not None), default=None)


def available(now: datetime, want: int) -> int:
    """Return ``want``: no limit is everybody's. What may not begin is left out by ``open_ones``."""
    return want


def open_ones(now: datetime) -> Condition | None:
    """Leave out jobs of providers that are paused and of campaigns that have no room; None when all may begin."""
    paused, full = _paused(now), _full_campaigns(now)
    if not paused and not full:
        return None
    return Condition(
        "j.payload->>'provider' <> ALL (%s) AND coalesce(j.payload->>'campaign_id', '') <> ALL (%s)",
        (paused, full),
    )


def _wait(tokens: Q, limit: int, reason: str, now: datetime) -> Wait | None:
    """Return the time until the oldest token that counts leaves, when so many lie in the window."""
    taken = PushMessage.objects.filter(tokens, begun_at__gt=now - HOUR).order_by("-begun_at")
    blocking: list[datetime | None] = list(taken.values_list("begun_at", flat=True)[limit - 1 : limit])
    if not blocking or blocking[0] is None:
        return None
    return Wait((blocking[0] + HOUR - now).total_seconds(), reason)


def _paused(now: datetime) -> list[str]:
    return list(PushChannel.objects.filter(paused_until__gt=now).values_list("provider", flat=True))


def _full_campaigns(now: datetime) -> list[str]:
    return [str(one) for one in full_campaigns(now)]


def full_campaigns(now: datetime) -> "QuerySet[PushMessage, UUID | None]":
    """Return the ids of the campaigns that have no room. It reads the hour's messages of campaigns and no others."""
    begun = PushMessage.objects.filter(campaign__isnull=False, begun_at__gt=now - HOUR).order_by()
    sent = begun.values("campaign_id").annotate(sent=Count("*"))
    full = sent.filter(sent__gte=settings.PUSH_CAMPAIGN_RATE_PER_HOUR)
    return full.values_list("campaign_id", flat=True)
