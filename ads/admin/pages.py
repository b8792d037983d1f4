"""What the pages of one event's ads share: whose event it is, which one was chosen, and the frame around it."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from events.models import Event

# More cannot be chosen from by eye.
_MOST_EVENTS: Final = 500


def events_for(request: HttpRequest, capability: Capability) -> QuerySet[Event]:
    """Return the events where the member has the capability, the latest first."""
    where = scope_of(request).organizations(capability)
    events = Event.objects.select_related("organization")
    if where is not None:
        events = events.filter(organization_id__in=where)
    return events.order_by("-starts_at", "title", "pk")


def _not_offered(events: QuerySet[Event], wanted: str) -> Event | None:
    """Return an event that stands too far down to be offered, but is theirs."""
    try:
        return events.filter(pk=wanted).first()
    except ValidationError:
        return None


class EventPages(ScopedModelAdmin):
    """Pages beside the list of ads, each about one event."""

    def page_at(self, address: str, view: Any, name: str) -> URLPattern:
        """Return the address of a page, for members who are signed in."""
        page: URLPattern = path(address, self.admin_site.admin_view(view), name=f"ads_ad_{name}")
        return page

    def event_of(
        self, request: HttpRequest, wanted: str, capability: Capability = Capability.VIEW_ANALYTICS
    ) -> tuple[Event | None, list[Event]]:
        """Return the event with the wanted id (of one alone that one), and those to choose from.

        Raises ``PermissionDenied`` for who may look nowhere, ``Http404`` for an event that is not theirs.
        """
        if not scope_of(request).has(capability):
            raise PermissionDenied
        theirs = events_for(request, capability)
        offered = list(theirs[:_MOST_EVENTS])
        if not wanted:
            return (offered[0] if len(offered) == 1 else None), offered
        event = next((one for one in offered if str(one.pk) == wanted), None) or _not_offered(theirs, wanted)
        if event is None:
            raise Http404
        return event, offered

    def show(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        """Show a page in the frame of the admin."""
        frame = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, f"admin/ads/{template}", {**frame, **context})
