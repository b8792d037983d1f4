"""Asking for places, queues and figures."""

from typing import Any

import graphene

from common import clock
from common.graphql import an_id, value_of
from waitlist import figures, selectors
from waitlist.graphql.types import (
    PriorityTierEnum,
    SessionWaitlistType,
    WaitlistAnalyticsType,
    WaitlistPlaceType,
    WaitlistStatusEnum,
)
from waitlist.types import Place, WaitlistAnalytics

_LIMIT = 50


class Query:
    """The waitlist's part of Query."""

    waitlist_position = graphene.Field(
        WaitlistPlaceType,
        session_id=graphene.ID(required=True),
        description="The caller's place in the session.",
    )
    session_waitlist = graphene.Field(
        graphene.NonNull(SessionWaitlistType),
        session_id=graphene.ID(required=True),
        status=WaitlistStatusEnum(),
        tier=PriorityTierEnum(),
        search=graphene.String(default_value="", description="Part of a name or an e-mail."),
        limit=graphene.Int(default_value=_LIMIT),
        offset=graphene.Int(default_value=0),
        description="For staff: open offers, then who waits in their order, then what ended.",
    )
    waitlist_analytics = graphene.Field(
        graphene.NonNull(WaitlistAnalyticsType), event_id=graphene.ID(required=True)
    )

    @staticmethod
    def resolve_waitlist_position(root: None, info: Any, session_id: str) -> Place:
        """Return the caller's place."""
        return selectors.place_of(info.context.actor, an_id(session_id, "session_id"), now=clock.now())

    @staticmethod
    def resolve_session_waitlist(root: None, info: Any, session_id: str, **asked: Any) -> dict[str, Any]:
        """Return a page of the queue with its count and standing."""
        actor, where = info.context.actor, an_id(session_id, "session_id")
        status = value_of(asked.get("status"))
        found = selectors.entries(
            actor,
            where,
            statuses=[status] if status else (),
            tier=value_of(asked.get("tier")) or "",
            search=(asked["search"] or "").strip(),
        )
        # The view refuses pages outside of what is allowed before anything runs.
        limit, offset = asked.get("limit") or _LIMIT, asked.get("offset") or 0
        page = list(found[offset : offset + limit])
        places = selectors.positions_of(page)
        for entry in page:
            entry.place = places.get(entry.pk)  # type: ignore[attr-defined]
        standing = selectors.standing(actor, where, now=clock.now())
        return {"count": found.count(), "entries": page, "standing": standing}

    @staticmethod
    def resolve_waitlist_analytics(root: None, info: Any, event_id: str) -> WaitlistAnalytics:
        """Return the figures of an event's waitlists."""
        return figures.analytics(info.context.actor, an_id(event_id, "event_id"))
