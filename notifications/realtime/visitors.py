"""Who may listen to the rooms of an event (REQ RT-01). Rooms of other floors register themselves."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services import access
from accounts.types import Capability
from common.errors import NotFound
from events.audience import Pair, who_see_events, with_capability
from events.models import Event
from events.selectors import visible_event
from notifications.realtime.rooms import rooms


def may_visit(user: User, event_id: UUID, _now: datetime) -> None:
    """Allow whoever may see the event. Raises ``NotFound``."""
    visible_event(access.actor_of(user), event_id)


def may_watch_figures(user: User, event_id: UUID, _now: datetime) -> None:
    """Allow who may see the figures of the event's organization. Raises ``NotFound``, ``Forbidden``."""
    organization_id = Event.objects.filter(pk=event_id).values_list("organization_id", flat=True).first()
    if organization_id is None:
        raise NotFound
    access.require(access.actor_of(user), organization_id, Capability.VIEW_ANALYTICS)


def may_watch_figures_still(pairs: Collection[Pair]) -> set[Pair]:
    """Return those pairs of people and events that ``may_watch_figures`` lets pass. One statement."""
    return with_capability(pairs, Capability.VIEW_ANALYTICS)


rooms.register("event:{id}", may_visit, may_stay=who_see_events, is_asked_first=False)
rooms.register("dashboard:{id}", may_watch_figures, may_stay=may_watch_figures_still, is_asked_first=True)
