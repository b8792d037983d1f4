"""An event's waitlist figures (REQUIREMENTS WL-09), from the entries alone and by one aggregated query."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.services import access
from accounts.types import Capability
from common.errors import NotFound, Unauthenticated
from common.types import Actor
from events.models import Event
from tickets.models import Priority
from waitlist.types import Figures, SessionFigures, TierFigures, WaitlistAnalytics

# grouping() tells the three kinds of rows apart: 0b01 by session, 0b10 by tier, 0b11 in all.
_QUERY = """
SELECT grouping(s.id, e.priority_tier) AS kind, s.id, min(s.title), e.priority_tier,
    count(*) AS joins,
    count(e.offered_at) AS offers,
    count(*) FILTER (WHERE e.status = 'ACCEPTED') AS accepted,
    count(*) FILTER (WHERE e.status = 'EXPIRED') AS expired,
    count(e.offered_at) FILTER (WHERE e.status <> 'OFFERED') AS settled,
    extract(epoch FROM avg(e.offered_at - e.joined_at)) / 60 AS wait
FROM waitlist_entry e JOIN events_session s ON s.id = e.session_id
WHERE s.event_id = %s
GROUP BY GROUPING SETS ((), (s.id), (e.priority_tier))
ORDER BY min(s.starts_at), s.id
"""
# Of a period: who joined in it, and what became of the offers that were made in it.
_BETWEEN = """
SELECT count(*) FILTER (WHERE e.joined_at >= %(start)s AND e.joined_at < %(end)s),
    count(*) FILTER (WHERE o.made),
    count(*) FILTER (WHERE o.made AND e.status = 'ACCEPTED'),
    count(*) FILTER (WHERE o.made AND e.status = 'EXPIRED'),
    count(*) FILTER (WHERE o.made AND e.status <> 'OFFERED'),
    extract(epoch FROM avg(e.offered_at - e.joined_at) FILTER (WHERE o.made)) / 60
FROM waitlist_entry e JOIN events_session s ON s.id = e.session_id,
    LATERAL (SELECT e.offered_at >= %(start)s AND e.offered_at < %(end)s AS made) o
WHERE s.event_id = %(event)s
"""
_BY_SESSION, _BY_TIER, _IN_ALL = 0b01, 0b10, 0b11
_NOTHING = Figures(0, 0, 0, None, None, None)


def analytics(actor: Actor, event_id: UUID) -> WaitlistAnalytics:
    """Return the figures of an event's waitlists: in all, by session, by tier.

    Raises ``Unauthenticated``, ``NotFound`` for other organizations' events, ``Forbidden``.
    """
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [event_id])
        rows = cursor.fetchall()
    tiers = {row[3]: TierFigures(row[3], _figures(row)) for row in rows if row[0] == _BY_TIER}
    return WaitlistAnalytics(
        event_id=event_id,
        total=next((_figures(row) for row in rows if row[0] == _IN_ALL), _NOTHING),
        by_session=tuple(
            SessionFigures(row[1], row[2], _figures(row)) for row in rows if row[0] == _BY_SESSION
        ),
        by_tier=tuple(tiers[tier] for tier in Priority.values if tier in tiers),
    )


def figures_between(*, event_id: UUID, start: datetime, end: datetime) -> Figures:
    """Return an event's figures of ``[start, end)``: joins by their time, offers and what became of them by theirs.

    One statement. The caller answers for who may see it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN, {"event": event_id, "start": start, "end": end})
        return _figures((None,) * 4 + tuple(cursor.fetchone()))


def _figures(row: tuple[Any, ...]) -> Figures:
    joins, offers, accepted, expired, settled, wait = row[4:]
    return Figures(
        joins=joins,
        offers_issued=offers,
        accepted=accepted,
        acceptance_rate=accepted / settled if settled else None,
        expiry_rate=expired / settled if settled else None,
        average_wait_minutes=None if wait is None else float(wait),
    )
