"""Deciding which ads somebody sees: no statement, one round trip to Redis."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from prometheus_client import Counter

from ads.decision import brakes, restoring, tokens
from ads.decision.alone import SECONDS, alone
from ads.decision.choice import Random, drawn
from ads.decision.index import EventIndex
from ads.decision.pool import Pool
from ads.decision.registry import Registry, registry
from ads.decision.types import Candidate, Context, Decision, Served
from ads.decision.viewers import is_unnamed
from common.types import Actor
from events.selectors import visible_event

# Sent along with those that are wanted, in case some are capped. What has more to pass over asks again.
_SPARE: Final = 8
_MOST_AT_ONCE: Final = 256
_TRIES: Final = 4
_TAKEN: Final = ord("t")

_DECISIONS = Counter(
    "marquee_ads_decisions_total",
    "Decisions, by whether they had an ad and whether caps could be asked.",
    ["outcome"],
)
_FILLED, _EMPTY = _DECISIONS.labels("filled"), _DECISIONS.labels("empty")
_ALONE = _DECISIONS.labels("degraded")


class _Taken(NamedTuple):
    """What was reserved; ``refusal`` is what Redis said instead of going on, None when it is away."""

    ads: list[Candidate]
    refusal: bytes | None = b""


def decide(
    *,
    context: Context,
    who: Callable[[], Actor],
    now: datetime,
    indexes: Registry = registry,
    rng: Random = random.random,
) -> Decision:
    """Choose ads for somebody and reserve them, each with a token that counts it once.

    A private event is only for those who may see it: ``who`` is asked then, and the database. Who gave neither user
    nor session token gets one ad at most, for no cap holds for them. For a program nothing is reserved. While Redis
    is away or its caps are being restored there is one ad at most too, and the decision is ``degraded``. Raises
    ``NotFound``.
    """
    index = indexes.of(context.event_id)
    for _ in range(_TRIES):
        if not index.is_public:
            visible_event(who(), index.event_id)
        pool = _pool(index, context, now)
        ads, refusal = _take(index, context, pool, now, rng)
        if refusal == b"" or ads:
            alone.over(context.event_id)
            (_FILLED if ads else _EMPTY).inc()
            return Decision(tuple(_served(context, ad, now) for ad in ads), degraded=False)
        if refusal is None:
            return _degraded(context, who, now, indexes, rng, None)
        if refusal[:1] == b"v" and refusal[1:].isdigit():
            index = indexes.at_least(context.event_id, int(refusal[1:]))
            if index.version >= int(refusal[1:]):
                continue
        # Caps are missing; or Redis was told of a version that the database no longer knows.
        if not restoring.restore_now(context.event_id, now=now, told=refusal):
            break
    return _degraded(context, who, now, indexes, rng, context.event_id)


def _pool(index: EventIndex, context: Context, now: datetime) -> Pool:
    pool = index.pool(context.placement, context.session_id, now)
    return pool if context.ad_id is None else pool.only(context.ad_id)


def _take(index: EventIndex, context: Context, pool: Pool, now: datetime, rng: Random) -> _Taken:
    """Ask for ads in a random order until there are enough or none is left."""
    wanted = 1 if is_unnamed(context.viewer) else context.limit
    order, size = drawn(pool.cumulative, rng), wanted + _SPARE
    ends_at = brakes.reserved_until(now + timedelta(seconds=settings.AD_TOKEN_TTL_SECONDS))
    ads: list[Candidate] = []
    while True:
        positions = list(islice(order, size))
        answer = brakes.take(
            event_id=index.event_id, version=index.version, viewer=context.viewer, day=pool.day,
            forget_at=pool.forget_at, wanted=wanted - len(ads), now=now, ends_at=ends_at,
            candidates=[pool.ready[position] for position in positions], reserves=not context.is_program,
        )  # fmt: skip
        if answer is None or answer[:1] != b":":
            return _Taken(ads, answer)
        looked_at = zip(positions, answer[1:], strict=False)
        ads += [pool.candidates[position] for position, letter in looked_at if letter == _TAKEN]
        if len(ads) == wanted or len(positions) < size:
            return _Taken(ads)
        size = min(_MOST_AT_ONCE, size * 4)


def _degraded(
    context: Context,
    who: Callable[[], Actor],
    now: datetime,
    indexes: Registry,
    rng: Random,
    told: UUID | None,
) -> Decision:
    alone.tell(told)
    index = indexes.newer_than(context.event_id, SECONDS)
    if not index.is_public:
        visible_event(who(), index.event_id)
    pool = _pool(index, context, now)
    ad = alone.choose(index, context, pool, drawn(pool.cumulative, rng), now)
    _ALONE.inc()
    return Decision(() if ad is None else (_served(context, ad, now),), degraded=True)


def _served(context: Context, ad: Candidate, now: datetime) -> Served:
    claims = tokens.Claims(
        decision_id=uuid4(), ad_id=ad.id, event_id=context.event_id, placement=context.placement,
        session_id=context.session_id, viewer=context.viewer, issued_at=now,
        expires_at=now + timedelta(seconds=settings.AD_TOKEN_TTL_SECONDS),
    )  # fmt: skip
    return Served(ad, tokens.issue(claims))
