"""The console of an event: Insights, Ads, Upsells, Waitlist. The way in for an organizer (REQUIREMENTS UI-06)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET, require_POST

from accounts.scope import scope_of
from accounts.types import Capability
from analytics.admin.console_panels import Asked, NoFigures, Panel
from analytics.admin.console_parts import PANELS, PARTS, ConsolePart
from analytics.admin.dashboard_range import FIELDS, Chosen, chosen_range
from analytics.admin.exports import ExportPages
from analytics.models import EventConsole
from analytics.services.refreshing import Refreshed, refresh_now
from common import clock
from common.admin.links import link_to
from common.admin.times import time_column, time_words
from common.errors import Busy, RateLimited

_DASHBOARD = "admin:analytics_event_dashboard"
_log = structlog.stdlib.get_logger(__name__)


@admin.register(EventConsole)
class ConsoleAdmin(ExportPages):
    """Events of one's organizations, each with its console. Nothing is changed here."""

    view_capability = Capability.VIEW_ANALYTICS
    list_display = ("console", "organization", "starts", "ends", "shown_parts")
    list_display_links = None
    list_select_related = ("organization",)
    list_filter = ("starts_at",)
    search_fields = ("title", "slug")
    nothing_here = "Each of your events has a console here, with its figures, ads, offers and waitlists."
    list_per_page = 25

    starts = time_column("starts_at", "Starts", "zone")
    ends = time_column("ends_at", "Ends", "zone")

    @admin.display(description="Event", ordering="title")
    def console(self, event: EventConsole) -> str:
        """Lead to its console."""
        return link_to(reverse(_DASHBOARD, args=[event.pk]), event.title)

    @admin.display(description="Parts")
    def shown_parts(self, event: EventConsole) -> str:
        """Lead to each part."""
        parts = [(part.title, _address(event, part)) for part in PARTS]
        return render_to_string("admin/analytics/parts.html", {"parts": parts, "event": event})

    def get_urls(self) -> list[URLPattern]:
        """Add the parts, their panels, and the refresh."""
        wrap = self.admin_site.admin_view
        first, *others = PARTS
        return [
            path(
                "<uuid:event_id>/",
                wrap(self.part_view),
                {"name": first.name},
                name="analytics_event_dashboard",
            ),
            *(
                path(
                    f"<uuid:event_id>/{part.name}/",
                    wrap(self.part_view),
                    {"name": part.name},
                    name=f"analytics_event_{part.name}",
                )
                for part in others
            ),
            path(
                "<uuid:event_id>/panel/<slug:name>/", wrap(self.panel_view), name="analytics_event_panel"
            ),
            path("<uuid:event_id>/refresh/", wrap(self.refresh_view), name="analytics_event_refresh"),
            *super().get_urls(),
        ]  # fmt: skip

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the console: there is nothing to change."""
        try:
            event_id = UUID(object_id)
        except ValueError:
            raise Http404 from None
        return self.part_view(request, event_id, PARTS[0].name)

    @method_decorator(require_GET)
    def part_view(self, request: HttpRequest, event_id: UUID, name: str) -> HttpResponse:
        """Show a part. Its panels come by themselves; with ``?plain=1``, for browsers without scripts, at once."""
        event = self._event(request, event_id)
        part = next(one for one in PARTS if one.name == name)
        chosen = chosen_range(event, request.GET.dict(), now=clock.now())
        is_plain = "plain" in request.GET
        context = {
            **self.admin_site.each_context(request),
            "title": f"{event.title}: {part.title}",
            "opts": self.opts,
            "event": event,
            "part": part,
            "parts": _tabs(event, part, chosen),
            "chosen": chosen,
            "panels": self._shown(request, event, part, chosen, is_plain=is_plain),
            "links": part.links_for(scope_of(request), event, chosen.query),
            "refresh_url": reverse("admin:analytics_event_refresh", args=[event.pk]),
            "is_plain": is_plain,
            "as_of": time_words(clock.now(), event.zone),
        }
        return TemplateResponse(request, "admin/analytics/console.html", context)

    @method_decorator(require_GET)
    def panel_view(self, request: HttpRequest, event_id: UUID, name: str) -> HttpResponse:
        """Send one panel's content; 503 when it could not be had, and the others are not touched by that."""
        event = self._event(request, event_id)
        panel = PANELS.get(name)
        if panel is None:
            raise Http404
        chosen = chosen_range(event, request.GET.dict(), now=clock.now())
        if chosen.wanted is None:
            return HttpResponse("These days are no range.", status=400, content_type="text/plain")
        html = _content(request, event, panel, chosen)
        answer = HttpResponse(html or "This could not be computed.", status=200 if html else 503)
        answer["Cache-Control"] = "no-store"
        return answer

    @method_decorator(require_POST)
    def refresh_view(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """Compute what was told since the last time; the service asks for the right to."""
        event = self._event(request, event_id)
        try:
            worked = refresh_now(actor=scope_of(request).actor, event_id=event.pk, now=clock.now())
        except RateLimited:
            return _refreshed(request, event, "That was often enough for now: wait a minute.", status=429)
        if worked.failures:
            return _refreshed(
                request, event, "Some days could not be computed; they are tried again.", status=503
            )
        return _refreshed(request, event, _computed(worked), status=200)

    def _event(self, request: HttpRequest, event_id: UUID) -> EventConsole:
        """Return the event, of the member's own organizations. Raises ``Http404``."""
        if not self.has_module_permission(request):
            raise PermissionDenied
        event: EventConsole | None = self.get_queryset(request).filter(pk=event_id).first()
        if event is None:
            raise Http404
        return event

    def _shown(
        self, request: HttpRequest, event: EventConsole, part: ConsolePart, chosen: Chosen, *, is_plain: bool
    ) -> list[dict[str, Any]]:
        """Return the part's panels with their addresses; none for days that are no range."""
        if chosen.wanted is None:
            return []
        query = f"?{chosen.query}" if chosen.query else ""
        return [
            {
                "panel": panel,
                "url": reverse("admin:analytics_event_panel", args=[event.pk, panel.name]) + query,
                "html": _content(request, event, panel, chosen) if is_plain else "",
            }
            for panel in part.panels
        ]


def _address(event: EventConsole, part: ConsolePart) -> str:
    name = _DASHBOARD if part is PARTS[0] else f"admin:analytics_event_{part.name}"
    return reverse(name, args=[event.pk])


def _tabs(event: EventConsole, here: ConsolePart, chosen: Chosen) -> list[tuple[ConsolePart, str, bool]]:
    """Return the parts with their addresses, which keep the days, and which one this is."""
    query = f"?{chosen.query}" if chosen.query else ""
    return [(part, _address(event, part) + query, part is here) for part in PARTS]


def _content(request: HttpRequest, event: EventConsole, panel: Panel, chosen: Chosen) -> str:
    """Return a panel's content; nothing when the database has no answer and there is none from before."""
    if chosen.wanted is None:
        raise ValueError("a panel needs days")
    try:
        told = panel.tell(Asked(scope_of(request), event, chosen.wanted, clock.now()))
    except (DatabaseError, Busy, NoFigures) as error:
        _log.warning("panel failed", panel=panel.name, event_id=str(event.pk), error=str(error))
        return ""
    context = {
        **told.context,
        "panel": panel,
        "told": told,
        "as_of": time_words(told.as_of, event.zone),
        "data_through": time_words(told.data_through, event.zone),
    }
    return render_to_string(panel.template, context, request=request)


def _computed(worked: Refreshed) -> str:
    """Say how many days were computed, and how many are left for the job by the clock."""
    if not (worked.days or worked.waiting):
        return "Nothing new."
    done = f"{worked.days} day{'' if worked.days == 1 else 's'} computed anew."
    if not worked.waiting:
        return done
    left = "1 day still waits and is" if worked.waiting == 1 else f"{worked.waiting} days still wait and are"
    return f"{done} {left} computed within minutes."


def _refreshed(request: HttpRequest, event: EventConsole, words: str, *, status: int) -> HttpResponse:
    """Say what came of it: to the page's script, or on the page that it goes back to."""
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": words}, status=status)
    (messages.success if status == 200 else messages.error)(request, words)
    part = next((one for one in PARTS if one.name == request.POST.get("part")), PARTS[0])
    query = urlencode({name: request.POST[name] for name in FIELDS if request.POST.get(name)})
    return HttpResponseRedirect(_address(event, part) + (f"?{query}" if query else ""))
