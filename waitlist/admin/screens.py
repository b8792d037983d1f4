"""The staff's waitlist screen: all queues in a list, and one page a session that follows it live."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from accounts.admin_base import ScopedModelAdmin
from accounts.admin_base.acts import show_refusal
from accounts.scope import scope_of
from accounts.services import tokens
from accounts.types import Capability
from common import clock
from common.admin.acts import Result
from common.admin.links import link_to
from common.admin.times import time_column
from common.errors import Failure
from waitlist.admin.acts import ACTS, Call, QueueAct, initial, live_entries, preview
from waitlist.admin.filters import QueueFilter
from waitlist.admin.pages import queue_context
from waitlist.models import SessionWaitlist
from waitlist.selectors import positions_of, standing_of


@admin.register(SessionWaitlist)
class WaitlistAdmin(ScopedModelAdmin):
    """Sessions with their queues."""

    organization_path = "event__organization"
    view_capability = Capability.MANAGE_WAITLIST
    list_display = ("queue_link", "event", "starts", "seats", "waiting", "open_seats")
    list_display_links = None
    list_filter = (QueueFilter, ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("title", "event__title")
    search_help_text = "Session or event"
    nothing_title = "Nobody waits"
    nothing_here = "When a session is full, people join its waitlist, and it stands here."
    starts = time_column("starts_at", "Starts", "event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the events along with the rows."""
        return super().get_queryset(request).select_related("event__organization")

    @admin.display(description="Session", ordering="title")
    def queue_link(self, session: SessionWaitlist) -> str:
        """Lead to the queue."""
        return link_to(reverse("admin:waitlist_sessionwaitlist_change", args=[session.pk]), session.title)

    @admin.display(description="Seats")
    def seats(self, session: SessionWaitlist) -> str:
        """Show how full it is."""
        return render_to_string("admin/waitlist/seats.html", {"session": session})

    @admin.display(description="Seats on offer", ordering="held")
    def open_seats(self, session: SessionWaitlist) -> int:
        """Count the seats of open offers."""
        return session.held

    def get_urls(self) -> list[URLPattern]:
        """Add the acts of a queue and the key to its live events."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:session_id>/do/<slug:name>/", wrap(self.act_on_queue), name="waitlist_act"),
            path("live-token/", wrap(self.live_token), name="waitlist_live_token"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the queue; ``?part=queue`` gives what changes alone, for a page that is open already."""
        session = self._session(request, object_id)
        is_part = request.GET.get("part") == "queue"
        context = {
            **({} if is_part else self.admin_site.each_context(request)),
            **queue_context(request, session, now=clock.now()),
            "title": session.title,
            "opts": self.opts,
        }
        template = "admin/waitlist/queue_part.html" if is_part else "admin/waitlist/queue.html"
        return TemplateResponse(request, template, context)

    def live_token(self, request: HttpRequest) -> HttpResponse:
        """Answer an access token for the page's socket: a short one, of the person who is signed in here."""
        if not self.has_module_permission(request):
            raise PermissionDenied
        return _token(request)

    def act_on_queue(self, request: HttpRequest, session_id: UUID, name: str) -> HttpResponse:
        """Ask what the act needs and show whom it is about; a POST carries it out."""
        act = ACTS.get(name)
        session = self._session(request, str(session_id))
        if act is None:
            raise Http404
        if not scope_of(request).has(act.capability, session.event.organization_id):
            raise PermissionDenied
        return self._act_page(request, act, session)

    def _act_page(self, request: HttpRequest, act: QueueAct, session: SessionWaitlist) -> HttpResponse:
        given = request.POST if request.method == "POST" else request.GET
        entries = _entries(act, session, given.getlist("entry"))
        standing = standing_of(session, now=clock.now())
        if act.most and not entries:
            messages.error(request, "Choose who it is about first.")
            return HttpResponseRedirect(_page_of(session))
        if request.method != "POST":
            shown_first = initial(act, session, standing) | {
                name: value for name, value in request.GET.items() if name in act.form.base_fields
            }
            form = act.form(session=session, initial=shown_first)
        else:
            form = act.form(request.POST, session=session)
            done = self._carry_out(request, act, session, entries, form) if form.is_valid() else None
            if done is not None:
                return done
        return self._show_act(request, act, session, entries, {"form": form, "standing": standing})

    def _carry_out(
        self, request: HttpRequest, act: QueueAct, session: SessionWaitlist, entries: list[Any], form: Any
    ) -> HttpResponse | None:
        """Run the act: back to the queue with a sentence, or a page with a result each; None when refused."""
        try:
            outcome = act.run(Call(session, entries, scope_of(request).actor, form, clock.now()))
        except (Failure, ValidationError) as refusal:
            show_refusal(form, refusal)
            return None
        if isinstance(outcome, str):
            messages.success(request, f"{act.label}: {outcome}")
            return HttpResponseRedirect(_page_of(session))
        told = {entry.pk: entry for entry in live_entries(session, [str(row.id) for row in outcome])}
        rows = [
            Result(told[row.id].user.email if row.id in told else str(row.id), row.ok, row.message)
            for row in outcome
        ]
        return self._show_act(request, act, session, entries, {"results": rows})

    def _show_act(
        self,
        request: HttpRequest,
        act: QueueAct,
        session: SessionWaitlist,
        entries: list[Any],
        more: dict[str, Any],
    ) -> HttpResponse:
        about = [] if "results" in more else preview(act, session, entries)
        places = positions_of(about) if about else {}
        context = {
            **self.admin_site.each_context(request),
            "title": f"{act.label}: {session.title}",
            "heading": act.label,
            "kind": "session",
            "subject": session.title,
            "column": "person",
            "opts": self.opts,
            "act": act,
            "label": act.label,
            "explain": act.explain,
            "is_dangerous": act.is_dangerous,
            "hidden": [("entry", entry.pk) for entry in entries],
            "about": [(entry, places.get(entry.pk)) for entry in about],
            "back_url": _page_of(session),
            **more,
        }
        if "results" in more:
            context["done"] = sum(row.is_done for row in more["results"])
            context["total"] = len(more["results"])
        return TemplateResponse(request, "admin/waitlist/act.html", context)

    def _session(self, request: HttpRequest, object_id: str) -> SessionWaitlist:
        """Return the session of the page, of the member's own organizations. Raises ``Http404``."""
        try:
            session: SessionWaitlist | None = self.get_queryset(request).filter(pk=object_id).first()
        except ValidationError:
            session = None
        if session is None:
            if not self.has_module_permission(request):
                raise PermissionDenied
            raise Http404
        return session


@require_GET
def _token(request: HttpRequest) -> JsonResponse:
    user: Any = request.user
    answer = JsonResponse({"token": tokens.access_token(user, now=clock.now())})
    answer["Cache-Control"] = "no-store"
    return answer


def _entries(act: QueueAct, session: SessionWaitlist, ids: list[str]) -> list[Any]:
    if not act.most:
        return []
    try:
        return live_entries(session, ids[: act.most])
    except ValidationError:
        return []


def _page_of(session: SessionWaitlist) -> str:
    return reverse("admin:waitlist_sessionwaitlist_change", args=[session.pk])
