"""Computing an event's figures because somebody asks for it."""

from datetime import datetime
from uuid import UUID

from accounts.services import access
from accounts.types import Capability
from analytics.services.rollup import Worked, refresh
from common.errors import Unauthenticated
from common.ratelimits import RateLimit, hit
from common.types import Actor
from events.models import Event

_A_MINUTE = RateLimit("analytics.refresh", 6, 60)


def refresh_now(*, actor: Actor, event_id: UUID, now: datetime) -> Worked:
    """Compute the event's dirty days at once; at most six times a minute for an event.

    Raises ``Unauthenticated``, ``NotFound``, ``Forbidden``, ``RateLimited``.
    """
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    hit(_A_MINUTE, str(event_id))
    return refresh(now=now, event_id=event_id)
