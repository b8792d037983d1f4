"""Who is connected just now, over all real-time processes: kept in Redis, with an end.

Each process keeps the set of its own people and renews it; a process that was killed takes its people along when
its set runs out. Redis away: nobody is known to be connected.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from redis.client import Pipeline

from common import clock
from common.redis import client, guarded

# Renewed each ``RENEWED_EVERY``; two renewals may be lost.
KEPT_FOR: Final = timedelta(seconds=80)
RENEWED_EVERY: Final = timedelta(seconds=25)
_BATCH = 1_000


def online_users() -> set[UUID]:
    """Return who is connected. Two round trips, whatever the number of people."""

    def read() -> set[UUID]:
        sets = _sets_alive(clock.now())
        members = client().sunion(sets) if sets else ()
        return {UUID(_text(member)) for member in members}

    return guarded(read, set)


def online_among(user_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these people who are connected, without reading the others."""
    asked = list(user_ids)

    def read() -> set[UUID]:
        sets = _sets_alive(clock.now())
        if not asked or not sets:
            return set()
        names = [str(user_id) for user_id in asked]
        with client().pipeline(transaction=False) as pipeline:
            for one in sets:
                pipeline.smismember(one, names)
            answers = pipeline.execute()
        return {user_id for place, user_id in enumerate(asked) if any(answer[place] for answer in answers)}

    return guarded(read, set)


def changed(process: str, *, came: Collection[UUID], went: Collection[UUID], now: datetime) -> bool:
    """Note who came to a process and who left it; False when Redis is away (the next ``renew`` says all)."""

    def write() -> bool:
        with client().pipeline(transaction=True) as pipeline:
            if went:
                pipeline.srem(_set(process), *map(str, went))
            if came:
                pipeline.sadd(_set(process), *map(str, came))
            _prolong(pipeline, process, now)
            pipeline.execute()
        return True

    return guarded(write, lambda: False)


def renew(process: str, users: Collection[UUID], *, now: datetime) -> bool:
    """Say anew who is connected to a process, whatever Redis knew or forgot; False when Redis is away."""
    names = [str(user_id) for user_id in users]
    if not names:
        return ended(process)

    def write() -> bool:
        with client().pipeline(transaction=True) as pipeline:
            pipeline.delete(_set(process))
            for start in range(0, len(names), _BATCH):
                pipeline.sadd(_set(process), *names[start : start + _BATCH])
            _prolong(pipeline, process, now)
            pipeline.execute()
        return True

    return guarded(write, lambda: False)


def ended(process: str) -> bool:
    """Forget a process that ends in order; False when Redis is away."""

    def write() -> bool:
        with client().pipeline(transaction=True) as pipeline:
            pipeline.delete(_set(process))
            pipeline.zrem(_processes(), process)
            pipeline.execute()
        return True

    return guarded(write, lambda: False)


def _prolong(pipeline: Pipeline, process: str, now: datetime) -> None:
    until = (now + KEPT_FOR).timestamp()
    pipeline.expire(_set(process), KEPT_FOR)
    pipeline.zadd(_processes(), {process: until})
    pipeline.zremrangebyscore(_processes(), "-inf", now.timestamp())
    pipeline.expire(_processes(), KEPT_FOR)


def _sets_alive(now: datetime) -> list[str]:
    alive = client().zrange(_processes(), f"({now.timestamp()}", "+inf", byscore=True)
    return [_set(_text(process)) for process in alive]


def _text(answer: object) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


# As with the channel of the announcements: a Redis that environments share keeps them apart.
def _processes() -> str:
    return f"{settings.REALTIME_CHANNEL}:processes"


def _set(process: str) -> str:
    return f"{settings.REALTIME_CHANNEL}:people:{process}"
