"""Pages of rooms above that are about one event: they register, and the screens of events lead to them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse

from accounts.scope import scope_of
from accounts.types import Capability
from events.models import Event

# More cannot be chosen from by eye.
MOST_EVENTS: Final = 500


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page about one event: what it is called, and the name of its address, which takes the event's id."""

    label: str
    icon: str
    address: str
    capability: Capability

    def link(self, event: Event) -> str:
        """Return where it is."""
        return reverse(self.address, args=[event.pk])


_pages: list[EventPage] = []


def register_event_page(page: EventPage) -> None:
    """Let the screens of events lead to a page."""
    if page not in _pages:
        _pages.append(page)


def pages_of(request: HttpRequest, event: Event) -> list[EventPage]:
    """Return the pages that the member may open."""
    scope = scope_of(request)
    return [page for page in _pages if scope.has(page.capability, event.organization_id)]


def event_to_work_at(
    request: HttpRequest, capability: Capability | None
) -> tuple[Event | None, QuerySet[Event]]:
    """Return the event that the address (else the form) names as ``event``, and those to choose from.

    Where none is named and there is one alone, it is that one. Those to choose from are read when they are looked at.
    Raises ``PermissionDenied`` for who may do this nowhere, ``Http404`` for an event that is not theirs.
    """
    scope = scope_of(request)
    if capability is None or not scope.has(capability):
        raise PermissionDenied
    where = scope.organizations(capability)
    events = Event.objects.order_by("-starts_at", "title", "pk")
    theirs = events if where is None else events.filter(organization_id__in=where)
    offered = theirs[:MOST_EVENTS]
    wanted = request.GET.get("event") or request.POST.get("event", "")
    if not wanted:
        return (offered[0] if len(offered) == 1 else None), offered
    try:
        event = theirs.filter(pk=UUID(wanted)).first()
    except ValueError:
        event = None
    if event is None:
        raise Http404
    return event, offered
