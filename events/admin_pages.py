"""Pages of rooms above that are about one event: they register, and the screens of events lead to them."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from accounts.scope import scope_of
from accounts.types import Capability
from events.models import Event


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
