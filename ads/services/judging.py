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
from ads.services.floods import flooding, is_click_flood
from ads.services.sql_arrays import array
from ads.types.redeeming import Visitor
from common import statements
from common.bots import is_bot
from common.windows import day_of

_FACTS: Final = statements.one_line("""
    WITH known AS MATERIALIZED (
        SELECT old.ad_id, old.decision_id, old.kind
          FROM unnest(%(days)s::date[], %(decisions)s::uuid[]) AS given (issue_day, decision_id)
          JOIN ads_adevent old ON old.issue_day = given.issue_day AND old.decision_id = given.decision_id
         WHERE old.issue_day = ANY(%(days)s::date[])
    )
    SELECT ad.id, ad.event_id, ad.click_url, event.time_zone, ad.currency,
        spend.ad_id IS NOT NULL AND ad.price_amount > 0
            AND (ad.price_model <> 'FLAT' OR spend.flat_billed_at IS NULL),
        EXISTS (SELECT FROM accounts_membership member
            WHERE member.organization_id = event.organization_id AND member.user_id = %(user)s::uuid),
        ad.starts_at,
        ARRAY(SELECT known.decision_id::text || known.kind FROM known WHERE known.ad_id = ad.id)
      FROM ads_ad ad JOIN events_event event ON event.id = ad.event_id
      LEFT JOIN ads_adspend spend ON spend.ad_id = ad.id
     WHERE ad.id = ANY(%(ads)s::uuid[])
""")


# The text of an id.
_ID_LENGTH: Final = 36


@dataclass(frozen=True, slots=True)
class Facts:
    """What counting needs to know of an ad. ``is_due``: it may have to be billed; ``is_staff``: the caller is of the
    organization; ``counted``: what earlier calls counted of the decisions that are told, by decision and kind.
    """

    ad_id: UUID
    event_id: UUID
    click_url: str
    zone: ZoneInfo
    currency: str
    is_due: bool
    is_staff: bool
    starts_at: datetime | None
    counted: frozenset[tuple[UUID, str]]

    def day_of(self, instant: datetime) -> date:
        """Return the event's day at an instant."""
        return day_of(instant, self.zone)


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


def facts_of(told: Iterable[Told], user_id: UUID | None) -> dict[UUID, Facts]:
    """Return what is known of the ads that are told of, by one statement that locks nothing."""
    told = list(told)
    wanted = {one.ad_id for one in told if one.ad_id is not None}
    if not wanted:
        return {}
    decisions = {one.claims.decision_id: one.claims.issue_day for one in told if one.claims}
    given = {
        "ads": array(wanted), "user": user_id, "days": array(decisions.values()), "decisions": array(decisions),
    }  # fmt: skip
    rows = statements.run(_FACTS, given).fetchall()
    return {row[0]: _facts(*row) for row in rows}


def _facts(
    ad_id: UUID, event_id: UUID, click_url: str, zone: str, currency: str, is_due: bool, is_staff: bool,
    starts_at: datetime | None, counted: Sequence[str],
) -> Facts:  # fmt: skip
    known = frozenset(map(_pair, counted))
    return Facts(
        ad_id, event_id, click_url, ZoneInfo(zone), currency, is_due, is_staff, starts_at, known
    )  # fmt: skip


def _pair(text: str) -> tuple[UUID, str]:
    return UUID(text[:_ID_LENGTH]), text[_ID_LENGTH:]


def judge(
    told: Sequence[Told], facts: Mapping[UUID, Facts], who: Visitor, *, now: datetime
) -> list[InvalidReason | None]:
    """Say of each item why it may not count; None: it may, unless somebody else counts it at the same time.

    A flood is found last, so no other reason adds to it: neither what an earlier call counted, nor, but once for each
    kind, a token that is told twice in this one.
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
    if facts[claims.ad_id].is_staff:
        return InvalidReason.STAFF
    is_known = (claims.decision_id, told.kind.value) in facts[claims.ad_id].counted
    return InvalidReason.DUPLICATE if is_known else None


def _is_of_another(claims: Claims, own: frozenset[UUID]) -> bool:
    """Say whether somebody who is signed in tells it of somebody else who was.

    What was decided before they signed in is theirs: it is for the session token, which is not sent along.
    """
    return bool(own) and is_person(claims.viewer) and claims.viewer not in own
