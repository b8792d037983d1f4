"""Where ads lead, as this process knows it: so that a link leads on while the database cannot be asked."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ads.decision.registry import registry
from ads.decision.tokens import Claims

_KEPT: Final = 10_000


class Destination(NamedTuple):
    """Where an ad leads, and from when on that is everybody's to know."""

    click_url: str
    starts_at: datetime | None


class Destinations:
    """Where the ads lead that were followed last, and those that decisions have in memory."""

    def __init__(self) -> None:
        self._followed: dict[UUID, Destination] = {}

    def keep(self, ad_id: UUID, destination: Destination) -> None:
        """Remember where an ad leads: at most 10,000, those that were followed last."""
        self._followed.pop(ad_id, None)
        if len(self._followed) >= _KEPT:
            self._followed.pop(next(iter(self._followed)), None)
        self._followed[ad_id] = destination

    def of(self, ad_id: UUID, claims: Claims | None, now: datetime) -> str:
        """Return where an ad leads whoever has this token; empty when that is not known."""
        known = self._followed.get(ad_id) or _in_memory(ad_id)
        return known.click_url if known and is_told(ad_id, known.starts_at, claims, now) else ""

    def forget(self) -> None:
        """Remember nothing, as a process that has just begun."""
        self._followed.clear()


def is_told(ad_id: UUID, starts_at: datetime | None, claims: Claims | None, now: datetime) -> bool:
    """Say whether somebody with this token may learn where an ad leads: it has begun, or was served to somebody.

    So a sponsor's page that is to be a surprise is none for those who guess or were told the ad's id.
    """
    return starts_at is None or starts_at <= now or (claims is not None and claims.ad_id == ad_id)


def _in_memory(ad_id: UUID) -> Destination | None:
    ad = registry.remembered(ad_id)
    return None if ad is None else Destination(ad.click_url, ad.starts_at)


destinations = Destinations()
