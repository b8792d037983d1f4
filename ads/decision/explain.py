"""Why each ad of an event would, or would not, be shown to somebody somewhere: for staff.

From the database, not from what decisions have in memory; only what is reserved just now is asked of Redis. It
reserves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from accounts.services import access
from accounts.types import Capability
from ads.decision import brakes
from ads.decision.alone import spends_of
from ads.decision.index import COLUMNS, candidate_of, is_aimed_at
from ads.decision.pacing import Brake, Spent, held_back
from ads.decision.types import Candidate
from ads.decision.viewers import viewer_of
from ads.micros import minor_units_of
from ads.models import Ad, AdEvent, AdPlacement, EventKind
from ads.services.daily import token_days
from common.errors import Invalid
from common.money import Money
from common.types import Actor
from common.windows import Window, local_day
from events.models import Event


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an ad is not eligible: a code, and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks against one ad, if anything, and how likely it is chosen first (0 to 1) if nothing does.

    ``served_today`` are the viewer's counted impressions of the event's day, ``reserved`` what is decided and not
    yet shown; None when no viewer was named.
    """

    ad_id: UUID
    name: str
    eligible: bool
    reasons: tuple[Reason, ...]
    weight: int
    share: float
    cap: int
    served_today: int | None
    reserved: int | None
    spent: Money
    spent_today: Money
    budget_total: Money | None
    budget_daily: Money | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """The context that is explained."""

    placement: str
    session_id: UUID | None
    viewer: UUID | None
    day: date
    window: Window
    now: datetime


_OF_BUDGET: Final = {
    Brake.OUT_OF_BUDGET: Reason("out_of_budget", "Nothing is left of its total budget."),
    Brake.DAILY_BUDGET_SPENT: Reason("daily_budget_spent", "Nothing is left of today's budget."),
    Brake.PACED: Reason("paced", "Its budget is spread evenly, and it is ahead of the clock."),
}


def explain(
    *,
    actor: Actor,
    event_id: UUID,
    placement: str,
    session_id: UUID | None,
    user_id: UUID | None,
    session_token: str | None,
    now: datetime,
) -> Sequence[Explanation]:
    """Explain a decision for each ad of an event, the eligible ones first, by share and name.

    For members from analyst up; raises what ``access.require`` does, and ``Invalid``. Caps are told when a user or
    a session token is named. Six statements, however many ads there are.
    """
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    if placement not in AdPlacement.values:
        raise Invalid.field("placement", "invalid_choice", f"One of {', '.join(AdPlacement.values)}.")
    day = now.astimezone(event.zone).date()
    is_named = user_id is not None or bool(session_token)
    asked = _Asked(
        placement, session_id, viewer_of(user_id, session_token) if is_named else None, day,
        local_day(day, event.zone), now,
    )  # fmt: skip
    rows = list(Ad.objects.filter(event_id=event_id).values(*COLUMNS, "is_active", "is_archived"))
    found = _explained(event_id, rows, asked)
    return sorted(found, key=lambda one: (not one.eligible, -one.share, one.name, one.ad_id))


def _explained(event_id: UUID, rows: Sequence[dict[str, Any]], asked: _Asked) -> list[Explanation]:
    ads = [candidate_of(row) for row in rows]
    spends = spends_of([ad.id for ad in ads], asked.day)
    counted = _counted([ad.id for ad in ads], asked)
    open_spend, open_caps = brakes.reserved(event_id, asked.viewer, asked.day, now=asked.now)
    told = []
    for row, ad in zip(rows, ads, strict=True):
        spent = spends.get(ad.id, Spent())
        spent = Spent(spent.total, spent.today, open_spend.get(ad.id, 0) * ad.cost_micros)
        seen = counted.get(ad.id, 0), open_caps.get(ad.id, 0)
        told.append((row, ad, spent, seen, _reasons(row, ad, spent, seen, asked)))
    weights = sum(ad.weight for _row, ad, _spent, _seen, reasons in told if not reasons)
    return [_explanation(*one, weights, asked) for one in told]


def _explanation(
    row: Mapping[str, Any],
    ad: Candidate,
    spent: Spent,
    seen: tuple[int, int],
    reasons: tuple[Reason, ...],
    weights: int,
    asked: _Asked,
) -> Explanation:
    is_named = asked.viewer is not None
    return Explanation(
        ad_id=ad.id, name=ad.name, eligible=not reasons, reasons=reasons, weight=ad.weight,
        share=0.0 if reasons else ad.weight / weights, cap=ad.cap, served_today=seen[0] if is_named else None,
        reserved=seen[1] if is_named else None, spent=_money(ad, spent.total), spent_today=_money(ad, spent.today),
        budget_total=_budget(row["budget_total_amount"], ad), budget_daily=_budget(row["budget_daily_amount"], ad),
    )  # fmt: skip


def _reasons(
    row: Mapping[str, Any], ad: Candidate, spent: Spent, seen: tuple[int, int], asked: _Asked
) -> tuple[Reason, ...]:
    """Return everything that speaks against an ad: what one would have to change."""
    counted, reserved = seen
    holds = {
        "archived": (row["is_archived"], "It is archived."),
        "paused": (not row["is_active"], "It is paused."),
        "not_started": (ad.starts_at is not None and asked.now < ad.starts_at, "Its schedule begins later."),
        "ended": (ad.ends_at is not None and asked.now >= ad.ends_at, "Its schedule is over."),
        "other_placement": (asked.placement not in ad.placements, "It is for other placements."),
        "other_session": (not is_aimed_at(ad, asked.session_id), "It is for other sessions."),
        "capped": (
            counted + reserved >= ad.cap,
            f"This viewer saw it {counted} times today, {reserved} more are on their way; its cap is {ad.cap}.",
        ),
    }
    reasons = [Reason(code, message) for code, (does_hold, message) in holds.items() if does_hold]
    brake = held_back(ad, spent, asked.window, asked.now)
    return (*reasons, _OF_BUDGET[brake]) if brake is not None else tuple(reasons)


def _counted(ad_ids: Sequence[UUID], asked: _Asked) -> dict[UUID, int]:
    """Return the viewer's counted impressions of the day, by ad."""
    if asked.viewer is None:
        return {}
    # Tokens of before may count today; other partitions are not looked at.
    first_issued = asked.day - timedelta(days=token_days() + 1)
    seen = AdEvent.objects.filter(
        ad_id__in=ad_ids, kind=EventKind.IMPRESSION, viewer=asked.viewer, issue_day__gte=first_issued,
        occurred_at__gte=asked.window.start, occurred_at__lt=asked.window.end,
    ).values_list("ad_id", flat=True)  # fmt: skip
    counted: dict[UUID, int] = {}
    for ad_id in seen:
        counted[ad_id] = counted.get(ad_id, 0) + 1
    return counted


def _budget(amount: int | None, ad: Candidate) -> Money | None:
    return None if amount is None else Money(amount, ad.currency)


def _money(ad: Candidate, micros: int) -> Money:
    return Money(minor_units_of(micros, ad.currency), ad.currency)
