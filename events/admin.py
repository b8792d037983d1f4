"""Screens of events, sessions, and who is there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import IntegerField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from accounts.admin_base import ActCall, ActForm, ScopedModelAdmin, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.base import button
from common.admin.lists import HouseList
from common.admin.times import time_column
from events.admin_forms import EventForm, SessionForm
from events.admin_pages import EventPage, pages_of
from events.models import Attendance, Event, Registration, Session
from events.services import events as event_services
from events.services import sessions as session_services

_EVENT_FIELDS = (
    "slug",
    "title",
    "description",
    "time_zone",
    "currency",
    "visibility",
    "starts_at",
    "ends_at",
)
_SESSION_FIELDS = ("slug", "title", "description", "starts_at", "ends_at")
_PAGES = "_shown_pages"


class PagesList(HouseList):
    """Events, each with the pages that the member may open. No statement for them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Load the page."""
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        for event in page:
            setattr(event, _PAGES, pages_of(request, event))
        self.result_list = page


@admin.register(Event)
class EventAdmin(ScopedModelAdmin):
    """Events of one's organizations."""

    organization_path = "organization"
    add_capability = change_capability = Capability.MANAGE_EVENTS
    list_display = (
        "title",
        "slug",
        "organization",
        "visibility",
        "currency",
        "starts",
        "ends",
        "pages",
    )
    list_select_related = ("organization",)
    list_filter = ("visibility", "starts_at")
    form = EventForm
    nothing_here = "An organization's events stand here."
    search_fields = ("title", "slug")
    fields = ("organization", *_EVENT_FIELDS)

    starts = time_column("starts_at", "Starts", "zone")
    ends = time_column("ends_at", "Ends", "zone")

    @admin.display(description="Pages")
    def pages(self, event: Event) -> str:
        """Lead to what else there is about it."""
        links: list[EventPage] = getattr(event, _PAGES)
        told = ((page.link(event), page.label, event.title) for page in links)
        return format_html_join(
            " ", '<a class="mq-order" href="{}">{}<span class="mq-hidden"> of {}</span></a>', told
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[HouseList]:
        """Know for each row which pages its reader may open."""
        return PagesList

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lead to what else there is about the event."""
        event = kwargs.get("obj")
        if event is not None:
            buttons = [button(page.label, page.icon, page.link(event)) for page in pages_of(request, event)]
            context["actions_detail"] = [*buttons, *context.get("actions_detail", [])]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep an event where it was made."""
        return ("organization",) if obj is not None else ()

    def save_by_service(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> Event:
        """Call the service."""
        actor, now = scope_of(request).actor, clock.now()
        data = event_services.EventInput(**{name: form.cleaned_data[name] for name in _EVENT_FIELDS})
        if change:
            return event_services.update_event(actor=actor, event_id=obj.pk, event=data, now=now)
        where = form.cleaned_data["organization"].pk
        return event_services.create_event(actor=actor, organization_id=where, event=data, now=now)


class CapacityForm(ActForm):
    """How many seats."""

    maximum_capacity = IntegerField(
        required=False,
        min_value=1,
        max_value=session_services.MAXIMUM_CAPACITY,
        help_text="Empty: unlimited.",
    )


@admin.register(Session)
class SessionAdmin(ScopedModelAdmin):
    """Sessions and their seats."""

    organization_path = "event__organization"
    add_capability = change_capability = Capability.MANAGE_EVENTS
    list_display = (
        "title",
        "event",
        "starts",
        "seats",
        "current_attendance",
        "held",
        "waiting",
    )
    list_select_related = ("event",)
    list_filter = (("event", admin.RelatedOnlyFieldListFilter), "starts_at")
    form = SessionForm
    nothing_here = "The sessions of events stand here, with their seats."
    search_fields = ("title", "slug", "event__title")
    autocomplete_fields = ("event",)
    fields = (
        "event", *_SESSION_FIELDS, "maximum_capacity", "current_attendance", "held", "waiting", "seats_kept",
    )  # fmt: skip

    starts = time_column("starts_at", "Starts", "event.zone")

    @admin.display(description="Seats", ordering="maximum_capacity")
    def seats(self, session: Session) -> str:
        """Say how many there are."""
        return "Unlimited" if session.maximum_capacity is None else str(session.maximum_capacity)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a session in its event; seats change by acts, under the session's lock."""
        counters = ("current_attendance", "held", "waiting", "seats_kept")
        return counters if obj is None else ("event", "maximum_capacity", *counters)

    def save_by_service(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> Session:
        """Call the service."""
        actor, now = scope_of(request).actor, clock.now()
        data = event_services.SessionInput(**{name: form.cleaned_data[name] for name in _SESSION_FIELDS})
        if change:
            return event_services.update_session(actor=actor, session_id=obj.pk, session=data, now=now)
        return event_services.create_session(
            actor=actor,
            event_id=form.cleaned_data["event"].pk,
            session=data,
            maximum_capacity=form.cleaned_data["maximum_capacity"],
            now=now,
        )

    @act(
        "Change capacity",
        capability=Capability.MANAGE_EVENTS,
        explain="Lowering it takes nobody's seat away; raising it offers the new seats to people who wait.",
        form=CapacityForm,
        icon="event_seat",
    )
    def change_capacity(self, call: ActCall[Session]) -> str:
        """Set the number of seats."""
        capacity = call.data["maximum_capacity"]
        session_services.change_capacity(
            actor=call.actor,
            session_id=call.subject.pk,
            maximum_capacity=capacity,
            reason=call.reason,
            now=call.now,
        )
        return "Unlimited now." if capacity is None else f"{capacity} seats now."


@admin.register(Attendance)
class AttendanceAdmin(ScopedModelAdmin):
    """The roster: who has seats, and who left. Read-only."""

    organization_path = "session__event__organization"
    # Who comes are people: who may see orders may see them.
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Whoever takes a seat in a session stands here."
    list_display = ("user", "session", "seats", "status", "joined", "left")
    list_filter = ("status", ("session", admin.RelatedOnlyFieldListFilter))
    search_fields = ("user__email", "user__name", "session__title")

    joined = time_column("joined_at", "Joined", "session.event.zone")
    left = time_column("left_at", "Left", "session.event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch people and sessions along with the rows."""
        return super().get_queryset(request).select_related("user", "session__event")


@admin.register(Registration)
class RegistrationAdmin(ScopedModelAdmin):
    """Who belongs to an event. Read-only: a ticket makes one."""

    organization_path = "event__organization"
    # Who belongs to an event are people: who may see orders may see them.
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Whoever gets a ticket belongs to the event, and stands here."
    list_display = ("user", "event", "source", "registered")
    list_filter = ("source", ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("user__email", "user__name", "event__title")

    registered = time_column("created_at", "Registered", "event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch people along with the rows."""
        return super().get_queryset(request).select_related("user", "event")
