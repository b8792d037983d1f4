"""Counting what was shown, seen and clicked: each decision once for each kind, whatever arrives how often.

All that arrives is either counted or in a bucket with its reason (``invalid``). What is counted is billed and marks
its day in the same transaction; when that is durable the brakes are told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from ads.decision import brakes
from ads.decision.tokens import Claims
from ads.decision.types import Redeemed
from ads.models import EventKind, InvalidReason
from ads.services import billing, daily, invalid
from ads.services.billing import Due, Row, Spent
from ads.services.destinations import Destination, destinations, is_told
from ads.services.invalid import Refused
from ads.services.judging import Facts, Told, facts_of, judge, read
from ads.types.redeeming import MAXIMUM_SEEN, ClickResult, Result, Seen, Visitor
from common import statements
from common.db import retrying
from common.errors import Invalid, NotFound

_log = structlog.stdlib.get_logger(__name__)

# What an event of a kind implies: nobody sees or clicks what was not shown.
_KINDS: Final = {
    EventKind.IMPRESSION: (EventKind.IMPRESSION,),
    EventKind.VIEWABLE: (EventKind.IMPRESSION, EventKind.VIEWABLE),
    EventKind.CLICK: (EventKind.IMPRESSION, EventKind.CLICK),
}

_Reasons = Sequence[InvalidReason | None]
_Key = tuple[UUID, str]


def redeem_impressions(*, seen: Sequence[Seen], who: Visitor, now: datetime) -> tuple[Result, ...]:
    """Count ads that were shown, and those that were seen, and say of each item what became of it.

    A viewable impression counts its impression too, if that was not told before. When this returns everything is
    durable. Six statements at most, whatever ads there are. Raises ``Invalid`` unless there are 1 to 100 items, and
    ``Busy`` when the database has no time; then nothing was counted.
    """
    if not 1 <= len(seen) <= MAXIMUM_SEEN:
        raise Invalid.field("impressions", "out_of_range", f"1 to {MAXIMUM_SEEN} impressions.")
    told = [
        Told(read(one.token), EventKind.VIEWABLE if one.viewable else EventKind.IMPRESSION) for one in seen
    ]
    reasons = _redeem(told, facts_of(told, who.user_id), who, now)
    return tuple(Result(index, reason is None, reason) for index, reason in enumerate(reasons))


def click(*, ad_id: UUID, token: str, who: Visitor, now: datetime) -> ClickResult:
    """Count a click on an ad, and its impression if that was not told before; say where it leads.

    Raises ``NotFound`` for an ad that is not there or leads nowhere, or that did not begin, unless it was served all
    the same: where it will lead is nobody's to know yet. Raises ``Busy``; then nothing was counted.
    """
    told = Told(read(token), EventKind.CLICK, asked=ad_id)
    facts = facts_of([told], who.user_id)
    destination = leads_to(facts.get(ad_id), told.claims, now)
    reason = _redeem([told], facts, who, now)[0]
    return ClickResult(reason is None, reason, destination)


def leads_to(ad: Facts | None, claims: Claims | None, now: datetime) -> str:
    """Return where an ad leads whoever has this token. Raises ``NotFound`` as ``click`` does."""
    if ad is None or not ad.click_url or not is_told(ad.ad_id, ad.starts_at, claims, now):
        raise NotFound
    destinations.keep(ad.ad_id, Destination(ad.click_url, ad.starts_at))
    return ad.click_url


def _redeem(told: Sequence[Told], facts: Mapping[UUID, Facts], who: Visitor, now: datetime) -> _Reasons:
    """Judge, write and bill, count the rest; then tell the brakes. Return why each item did not count."""
    reasons, written = _write(told, judge(told, facts, who, now=now), facts, who, now)
    _tell(told, written, facts, now)
    return reasons


@retrying
@transaction.atomic
def _write(
    told: Sequence[Told], judged: _Reasons, facts: Mapping[UUID, Facts], who: Visitor, now: datetime
) -> tuple[_Reasons, Mapping[_Key, Spent]]:
    plans = list(_plans(told, judged))
    rows = [row for plan in plans for row in plan]
    known = [facts[ad_id] for ad_id in sorted({row.claims.ad_id for row in rows})]
    due = [Due(ad.ad_id, ad.currency, ad.zone.key, ad.day_of(now)) for ad in known if ad.is_due]
    written = billing.write(rows, due, now=now) if rows else {}
    reasons = [why or _repeated(plan, written) for why, plan in zip(judged, plans, strict=True)]
    refused = [_refused(one, why, facts) for one, why in zip(told, reasons, strict=True) if why]
    touched = {one.ad_id for one in told if one.ad_id in facts}
    with statements.together():
        invalid.count(refused, who, now=now)
        days = ((ad.event_id, ad.day_of(now)) for ad_id, ad in facts.items() if ad_id in touched)
        daily.mark(days, now)
    return reasons, written


def _plans(told: Sequence[Told], judged: _Reasons) -> Iterator[list[Row]]:
    """Yield of each item the events that it would be the first to tell in this call."""
    seen: set[_Key] = set()
    for one, why in zip(told, judged, strict=True):
        rows = []
        if one.claims and why is None:
            rows = [
                Row(one.claims, kind)
                for kind in _KINDS[one.kind]
                if (one.claims.decision_id, kind) not in seen
            ]
        seen.update((row.claims.decision_id, row.kind) for row in rows)
        yield rows


def _repeated(plan: Sequence[Row], written: Mapping[_Key, Spent]) -> InvalidReason | None:
    """Say whether nothing of an item was new."""
    is_new = any((row.claims.decision_id, row.kind) in written for row in plan)
    return None if is_new else InvalidReason.DUPLICATE


def _refused(told: Told, reason: InvalidReason, facts: Mapping[UUID, Facts]) -> Refused:
    ad = facts.get(told.ad_id) if told.ad_id else None
    return Refused(
        kind=told.kind,
        reason=reason,
        ad_id=ad.ad_id if ad else None,
        event_id=ad.event_id if ad else None,
        viewer=told.claims.viewer if told.claims else None,
    )


def _tell(
    told: Sequence[Told], written: Mapping[_Key, Spent], facts: Mapping[UUID, Facts], now: datetime
) -> None:
    """Tell the brakes what is committed. They only hold back, so whatever goes wrong there is not the caller's."""
    if not written:
        return
    claims = {one.claims.decision_id: one.claims for one in told if one.claims}
    try:
        events = [
            Redeemed(
                ad_id=one.ad_id, event_id=one.event_id, viewer=one.viewer, kind=EventKind(kind),
                day=facts[one.ad_id].day_of(now), issued_day=facts[one.ad_id].day_of(one.issued_at),
                expires_at=one.expires_at, billed_total_micros=spent.total, billed_day_micros=spent.today,
            )
            for (decision_id, kind), spent in written.items()
            for one in (claims[decision_id],)
            if kind == EventKind.IMPRESSION or spent.total is not None
        ]  # fmt: skip
        brakes.redeemed(events, now=now)
    except Exception:  # noqa: BLE001 the caller's events are committed, whatever this is
        _log.exception("ad_brakes_not_told")
