"""Decisions for tests: ``shown(decide_at(event, viewer="tab-1"))``."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.tests.factories import NOW
from ads.decision import brakes, tokens
from ads.decision.decide import decide
from ads.decision.types import Context, Decision, Redeemed, Served
from ads.decision.viewers import viewer_of
from ads.models import Ad, AdEvent, AdPlacement, EventKind
from common.types import ANONYMOUS, Actor
from events.models import Event


def decide_at(
    event: Event | UUID, *, viewer: str | None = "tab-1", placement: str = AdPlacement.EVENT_HERO,
    session_id: UUID | None = None, limit: int = 1, ad_id: UUID | None = None, now: datetime = NOW,
    who: Callable[[], Actor] = lambda: ANONYMOUS, is_program: bool = False, **options: Any,
) -> Decision:  # fmt: skip
    """Decide for a viewer with this session token; None: for nobody in particular."""
    context = Context(
        event_id=event if isinstance(event, UUID) else event.pk, placement=placement, session_id=session_id,
        viewer=viewer_of(None, viewer), limit=limit, ad_id=ad_id, is_program=is_program,
    )  # fmt: skip
    return decide(context=context, who=who, now=now, **options)


def shown(decision: Decision) -> list[UUID]:
    """Return the ids of the ads that were decided on."""
    return [served.candidate.id for served in decision.ads]


def ids(*ads: Ad) -> list[UUID]:
    """Return the ids of ads."""
    return [ad.pk for ad in ads]


def redeemed(
    served: Served, event: Event, *, now: datetime = NOW, total: int | None = None, today: int = 0
) -> None:
    """Count an impression of a served ad as a redemption leaves it: its row, and the brakes told of it."""
    claims = tokens.read(served.token)
    AdEvent.objects.create(
        issue_day=claims.issue_day, decision_id=claims.decision_id, kind=EventKind.IMPRESSION, ad_id=claims.ad_id,
        event_id=claims.event_id, placement=claims.placement, viewer=claims.viewer, occurred_at=now,
    )  # fmt: skip
    brakes.redeemed([told(served, event, now=now, total=total, today=today)], now=now)


def told(
    served: Served, event: Event, *, now: datetime = NOW, total: int | None = None, today: int = 0
) -> Redeemed:
    """Return what the brakes are told of a counted impression."""
    claims = tokens.read(served.token)
    return Redeemed(
        ad_id=claims.ad_id, event_id=claims.event_id, viewer=claims.viewer, kind=EventKind.IMPRESSION,
        day=now.astimezone(event.zone).date(), issued_day=claims.issued_at.astimezone(event.zone).date(),
        expires_at=claims.expires_at, billed_total_micros=total, billed_day_micros=None if total is None else today,
    )  # fmt: skip
