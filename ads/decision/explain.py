"""Why each ad of an event would, or would not, be shown to somebody somewhere: for staff.

From the database, not from what decisions have in memory; only what is reserved just now is asked of Redis. It
reserves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q

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

# How many ads one page explains at most.
MAXIMUM: Final = 200


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
class Explained:
    """A page of explanations. ``count``: how many ads the event has; ``eligible``: how many of them would be shown."""

    ads: tuple[Explanation, ...]
    count: int
    eligible: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """The context that is explained."""

    placement: str
    session_id: UUID | None
    viewer: UUID | None
    day: date
    window: Window
    now: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """An ad, what it was billed and what is reserved of its budget, the viewer's part, and what speaks against it."""

    row: Mapping[str, Any]
    ad: Candidate
    spent: Spent
    counted: int
    reserved: int
    reasons: tuple[Reason, ...]


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
    limit: int = MAXIMUM,
    offset: int = 0,
) -> Explained:
    """Explain a decision for a page of an event's ads, at most 200.

    The eligible ones come first, by share and name; then those that caps or budgets alone hold back, then the others,
    by name. What is meant for that place now is looked at whole, as a decision does, for shares are of it; of all
    others only the page.

    For members from analyst up; raises what ``access.require`` does, and ``Invalid``. Caps are told when a user or
    a session token is named. Eight statements, however many ads there are.
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
    return _page(event_id, asked, offset, offset + min(limit, MAXIMUM))


def _page(event_id: UUID, asked: _Asked, start: int, end: int) -> Explained:
    is_here = ExpressionWrapper(_meant_here(asked), BooleanField())
    ads = Ad.objects.filter(event_id=event_id).annotate(is_here=is_here)
    rows = list(ads.filter(is_here=True).values(*COLUMNS, "is_active", "is_archived"))
    here = len(rows)
    others = ads.filter(is_here=False).order_by("name", "id").values(*COLUMNS, "is_active", "is_archived")
    rows += others[max(0, start - here) : max(0, end - here)]
    known = _known(event_id, rows, asked)
    eligible = [one for one in known if not one.reasons]
    weights = sum(one.ad.weight for one in eligible)
    first = sorted(known[:here], key=lambda one: (bool(one.reasons), _weight(one), one.ad.name, one.ad.id))
    page = first[start:end] + known[here:]
    told = tuple(_explanation(one, weights, is_named=asked.viewer is not None) for one in page)
    return Explained(told, ads.count(), len(eligible))


def _weight(one: _Known) -> int:
    """Return what sorts eligible ads by their share, the largest first; others have none."""
    return 0 if one.reasons else -one.ad.weight


def _meant_here(asked: _Asked) -> Q:
    """Return what the ads have in common that decisions have in memory for that place and time."""
    begun = Q(starts_at__isnull=True) | Q(starts_at__lte=asked.now)
    goes_on = Q(ends_at__isnull=True) | Q(ends_at__gt=asked.now)
    aimed = Q(target_sessions=[])
    if asked.session_id is not None:
        aimed |= Q(target_sessions__contains=[asked.session_id])
    is_on = Q(is_active=True, is_archived=False, placements__contains=[asked.placement])
    return is_on & begun & goes_on & aimed


def _known(event_id: UUID, rows: Sequence[dict[str, Any]], asked: _Asked) -> list[_Known]:
    ads = [candidate_of(row) for row in rows]
    spends = spends_of([ad.id for ad in ads], asked.day)
    counted = _counted([ad.id for ad in ads], asked)
    open_spend, open_caps = brakes.reserved(event_id, asked.viewer, asked.day, now=asked.now)
    found = []
    for row, ad in zip(rows, ads, strict=True):
        spent = spends.get(ad.id, Spent())
        spent = Spent(spent.total, spent.today, open_spend.get(ad.id, 0) * ad.cost_micros)
        one = _Known(row, ad, spent, counted.get(ad.id, 0), open_caps.get(ad.id, 0), ())
        found.append(replace(one, reasons=_reasons(one, asked)))
    return found


def _explanation(one: _Known, weights: int, *, is_named: bool) -> Explanation:
    ad, spent, row = one.ad, one.spent, one.row
    return Explanation(
        ad_id=ad.id, name=ad.name, eligible=not one.reasons, reasons=one.reasons, weight=ad.weight,
        share=0.0 if one.reasons else ad.weight / weights, cap=ad.cap,
        served_today=one.counted if is_named else None, reserved=one.reserved if is_named else None,
        spent=_money(ad, spent.total), spent_today=_money(ad, spent.today),
        budget_total=_budget(row["budget_total_amount"], ad), budget_daily=_budget(row["budget_daily_amount"], ad),
    )  # fmt: skip


def _reasons(one: _Known, asked: _Asked) -> tuple[Reason, ...]:
    """Return everything that speaks against an ad: what one would have to change, or wait for."""
    row, ad = one.row, one.ad
    seen = f"This viewer saw it {one.counted} times today"
    holds = {
        "archived": (row["is_archived"], "It is archived."),
        "paused": (not row["is_active"], "It is paused."),
        "not_started": (ad.starts_at is not None and asked.now < ad.starts_at, "Its schedule begins later."),
        "ended": (ad.ends_at is not None and asked.now >= ad.ends_at, "Its schedule is over."),
        "other_placement": (asked.placement not in ad.placements, "It is for other placements."),
        "other_session": (not is_aimed_at(ad, asked.session_id), "It is for other sessions."),
        "capped": (one.counted >= ad.cap, f"{seen}; its cap is {ad.cap}."),
    }
    reasons = [Reason(code, message) for code, (does_hold, message) in holds.items() if does_hold]
    brake = held_back(ad, replace(one.spent, open=0), asked.window, asked.now)
    if brake is not None:
        reasons.append(_OF_BUDGET[brake])
    waits = []
    if one.counted < ad.cap <= one.counted + one.reserved:
        waits.append(f"{seen}, {one.reserved} more are on their way; its cap is {ad.cap}.")
    if brake is None and held_back(ad, one.spent, asked.window, asked.now) is not None:
        waits.append("What was decided and is not yet shown may need what is left of its budget.")
    return (*reasons, Reason("reserved", " ".join(waits))) if waits else tuple(reasons)


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
