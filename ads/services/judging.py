"""What is known of told ads, and whether what is told of them may count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from ads.decision import tokens
from ads.decision.tokens import Claims
from ads.decision.viewers import is_person, viewers_of
from ads.errors import TokenInvalid
from ads.models import EventKind, InvalidReason
from ads.services.arrays import array
from ads.services.bots import is_bot
from ads.services.floods import flooding, is_click_flood
from ads.types.redeeming import Visitor
from common import statements

_FACTS: Final = statements.one_line("""
    SELECT ad.id, ad.event_id, ad.click_url, event.time_zone, ad.currency,
        spend.ad_id IS NOT NULL AND ad.price_amount > 0
            AND (ad.price_model <> 'FLAT' OR spend.flat_billed_at IS NULL),
        EXISTS (SELECT FROM accounts_membership member
            WHERE member.organization_id = event.organization_id AND member.user_id = %(user)s::uuid)
      FROM ads_ad ad JOIN events_event event ON event.id = ad.event_id
      LEFT JOIN ads_adspend spend ON spend.ad_id = ad.id
     WHERE ad.id = ANY(%(ads)s::uuid[])
""")


@dataclass(frozen=True, slots=True)
class Facts:
    """What counting needs to know of an ad. ``is_due``: it may have to be billed; ``is_staff``: the caller is of the
    organization."""

    ad_id: UUID
    event_id: UUID
    click_url: str
    zone: ZoneInfo
    currency: str
    is_due: bool
    is_staff: bool

    def day_of(self, instant: datetime) -> date:
        """Return the event's day at an instant."""
        return instant.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Told:
    """One item of a call: what its token claims, None for none of ours. ``asked``: the ad that a click is on."""

    claims: Claims | None
    kind: EventKind
    asked: UUID | None = None

    @property
    def ad_id(self) -> UUID | None:
        """The ad that it is told of."""
        return self.asked or (self.claims.ad_id if self.claims else None)


def read(token: str) -> Claims | None:
    """Return what a token claims; None when it is none of ours."""
    try:
        return tokens.read(token)
    except TokenInvalid:
        return None


def facts_of(ad_ids: Iterable[UUID | None], user_id: UUID | None) -> dict[UUID, Facts]:
    """Return what is known of ads, by one statement that locks nothing."""
    wanted = {ad_id for ad_id in ad_ids if ad_id is not None}
    if not wanted:
        return {}
    rows = statements.run(_FACTS, {"ads": array(wanted), "user": user_id}).fetchall()
    return {row[0]: Facts(row[0], row[1], row[2], ZoneInfo(row[3]), *row[4:]) for row in rows}


def judge(
    told: Sequence[Told], facts: Mapping[UUID, Facts], who: Visitor, *, now: datetime
) -> list[InvalidReason | None]:
    """Say of each item why it may not count; None: it may, if it was not counted before.

    A flood is found last, so no other reason adds to it, and a token that is told twice in one call adds once for
    each kind. What an earlier call counted is not known yet: telling it again adds to the flood.
    """
    own = viewers_of(who.user_id) if who.user_id else frozenset()
    reasons = [_reason(one, facts, who, own, now) for one in told]
    welcome = {
        (one.claims.decision_id, one.kind): one.claims.viewer
        for one, why in zip(told, reasons, strict=True)
        if one.claims and why is None
    }
    floods = flooding(Counter(welcome.values()), who.network)
    return [
        InvalidReason.FLOOD if why is None and _is_flood(one, floods, who.network) else why
        for one, why in zip(told, reasons, strict=True)
    ]


def _is_flood(told: Told, viewers: frozenset[UUID], network: str) -> bool:
    claims = told.claims
    if claims is None:
        return False
    return claims.viewer in viewers or (
        told.kind == EventKind.CLICK and is_click_flood(claims.ad_id, network)
    )


def _reason(
    told: Told, facts: Mapping[UUID, Facts], who: Visitor, own: frozenset[UUID], now: datetime
) -> InvalidReason | None:
    claims = told.claims
    if claims is None:
        return InvalidReason.FORGED
    if claims.ad_id != told.ad_id or _is_of_another(claims, own):
        return InvalidReason.FOREIGN
    if claims.ad_id not in facts:
        return InvalidReason.FORGED
    if claims.is_over(now):
        return InvalidReason.EXPIRED
    if is_bot(who.user_agent):
        return InvalidReason.BOT
    return InvalidReason.STAFF if facts[claims.ad_id].is_staff else None


def _is_of_another(claims: Claims, own: frozenset[UUID]) -> bool:
    """Say whether somebody who is signed in tells it of somebody else who was.

    What was decided before they signed in is theirs: it is for the session token, which is not sent along.
    """
    return bool(own) and is_person(claims.viewer) and claims.viewer not in own
