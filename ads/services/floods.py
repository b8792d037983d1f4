"""Floods: more of one viewer, or out of one network, than people make.

Counted by items, in any 60 seconds, across all processes; while Redis is away each process counts alone. What a
limit refuses adds nothing to that limit.
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

    The network is charged only with what its viewers' own limits let through; when that is too much, all of them
    are. A viewer who gave no name is another one each time, so only the network tells.
    """
    limit = RateLimit("ads.viewer", settings.AD_VIEWER_RATE_LIMIT, _SECONDS)
    busy = frozenset(
        viewer
        for viewer, count in items.items()
        if not is_unnamed(viewer) and _is_over(limit, viewer.hex, count)
    )
    passed = sum(count for viewer, count in items.items() if viewer not in busy)
    whole = RateLimit("ads.network", settings.AD_NETWORK_RATE_LIMIT, _SECONDS)
    return frozenset(items) if passed and _is_over(whole, network, passed) else busy


def is_click_flood(ad_id: UUID, network: str) -> bool:
    """Count a click on an ad out of a network, and say whether there were too many: clicks may cost money each."""
    limit = RateLimit("ads.clicks", settings.AD_CLICK_NETWORK_RATE_LIMIT, _SECONDS)
    return _is_over(limit, f"{ad_id.hex}:{network}", 1)


def _is_over(limit: RateLimit, key: str, count: int) -> bool:
    try:
        hit(limit, key, count)
    except RateLimited:
        return True
    return False
