"""Decisions for tests: ``shown(decide_at(event, viewer="tab-1"))``."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.tests.factories import NOW
from ads.decision.decide import decide
from ads.decision.types import Context, Decision
from ads.decision.viewers import viewer_of
from ads.models import Ad, AdPlacement
from common.types import ANONYMOUS, Actor
from events.models import Event


def decide_at(
    event: Event | UUID, *, viewer: str | None = "tab-1", placement: str = AdPlacement.EVENT_HERO,
    session_id: UUID | None = None, limit: int = 1, ad_id: UUID | None = None, now: datetime = NOW,
    who: Callable[[], Actor] = lambda: ANONYMOUS, **options: Any,
) -> Decision:  # fmt: skip
    """Decide for a viewer with this session token; None: for nobody in particular."""
    context = Context(
        event_id=event if isinstance(event, UUID) else event.pk, placement=placement, session_id=session_id,
        viewer=viewer_of(None, viewer), limit=limit, ad_id=ad_id,
    )  # fmt: skip
    return decide(context=context, who=who, now=now, **options)


def shown(decision: Decision) -> list[UUID]:
    """Return the ids of the ads that were decided on."""
    return [served.candidate.id for served in decision.ads]


def ids(*ads: Ad) -> list[UUID]:
    """Return the ids of ads."""
    return [ad.pk for ad in ads]
