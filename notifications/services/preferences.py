"""What a person wants to be told, by which channel and when (REQ NO-05)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from notifications import kinds
from notifications.kinds import Channel
from notifications.services.quiet_hours import QuietHours

__all__ = ["Channel", "Decision", "decide", "switched_off"]

_DECIDE = """
SELECT chosen.user_id, chosen.quiet_starts_at, chosen.quiet_ends_at, chosen.time_zone, EXISTS (
    SELECT 1 FROM notifications_mutedkind muted
    WHERE muted.preferences_id = chosen.user_id AND muted.kind = %(kind)s AND muted.channel = %(channel)s
)
FROM notifications_notificationpreferences chosen WHERE chosen.user_id = ANY (%(users)s)
"""
_MUTED = """
SELECT muted.preferences_id, muted.kind FROM notifications_mutedkind muted
JOIN unnest(%(users)s::uuid[], %(kinds)s::text[]) AS asked (user_id, kind)
    ON asked.user_id = muted.preferences_id AND asked.kind = muted.kind
WHERE muted.channel = %(channel)s
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a message may be sent, and not before when; ``not_before`` None: at once."""

    allowed: bool
    not_before: datetime | None = None


_YES = Decision(allowed=True)
_NO = Decision(allowed=False)


def decide(user_ids: Collection[UUID], *, kind: str, channel: Channel, now: datetime) -> dict[UUID, Decision]:
    """Return for each person whether they get messages of a kind on a channel. One statement at most.

    ``kind`` names the kind, or a message that belongs to it. What is transactional, and what belongs to no kind, is
    always allowed. Quiet hours hold back push, of every kind: ``not_before`` is their end; what is urgent does not
    wait for it, which the caller knows (WL-08).
    """
    decided = dict.fromkeys(user_ids, _YES)
    known = kinds.find(kind)
    is_choice = known is not None and not known.is_transactional
    if not decided or not (is_choice or channel is Channel.PUSH):
        return decided
    name = kind if known is None else known.name
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"users": list(decided), "kind": name, "channel": channel.value}
        cursor.execute(_DECIDE, asked)
        for user_id, starts_at, ends_at, zone, is_muted in cursor.fetchall():
            if is_muted and is_choice:
                decided[user_id] = _NO
            elif channel is Channel.PUSH and starts_at is not None:
                quiet = QuietHours(starts_at, ends_at, ZoneInfo(zone))
                decided[user_id] = Decision(allowed=True, not_before=quiet.end_of(now))
    return decided


def switched_off(asked: Sequence[tuple[UUID, str]], *, channel: Channel) -> set[tuple[UUID, str]]:
    """Return which of these people do without which of these kinds on a channel. One statement; nothing asked: none.

    Only kinds that may be switched off are asked about, each by its own name.
    """
    if not asked:
        return set()
    columns: dict[str, Any] = {"users": [one for one, _ in asked], "kinds": [kind for _, kind in asked]}
    with connection.cursor() as cursor:
        cursor.execute(_MUTED, columns | {"channel": channel.value})
        return {(user_id, kind) for user_id, kind in cursor.fetchall()}
