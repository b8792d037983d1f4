"""Floods: more of one viewer, or out of one network, than people make.

Counted by items, in any 60 seconds, across all processes; while Redis is away each process counts alone. What is
refused adds nothing to the count.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.conf import settings

from ads.decision.viewers import is_unnamed
from common.errors import RateLimited
from common.ratelimits import RateLimit, hit

_SECONDS: Final = 60


def flooding(items: Mapping[UUID, int], network: str) -> frozenset[UUID]:
    """Count how many items of each viewer came from a network; return those whose items are too many.

    All of them are when the network's are. A viewer who gave no name is another one each time, so only the network
    tells.
    """
    if not items:
        return frozenset()
    whole = RateLimit("ads.network", settings.AD_NETWORK_RATE_LIMIT, _SECONDS)
    if _is_over(whole, network, sum(items.values())):
        return frozenset(items)
    limit = RateLimit("ads.viewer", settings.AD_VIEWER_RATE_LIMIT, _SECONDS)
    return frozenset(
        viewer
        for viewer, count in items.items()
        if not is_unnamed(viewer) and _is_over(limit, viewer.hex, count)
    )


def _is_over(limit: RateLimit, key: str, count: int) -> bool:
    try:
        hit(limit, key, count)
    except RateLimited:
        return True
    return False
