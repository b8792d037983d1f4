"""The webhook inbox: what providers sent, what became of it, and how often it was tried."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from common import clock
from common.admin.acts import ActPage, Result
from common.admin.base import ReadOnlyAdmin, button, error_history, preformatted, pretty
from common.admin.scoping import is_operator, policy
from common.inbox.models import InboxEvent, InboxStatus
from common.inbox.replay import replay
from common.inbox.store import VERDICTS
from common.logging import masked
from common.outbox.models import Job

_LIST = "admin:common_inboxevent_changelist"
_BADGES = {
    "received": "info",
    "processing": "info",
    "done": "success",
    "failed": "warning",
    "dead": "danger",
    "ignored": "",
    "quarantined": "danger",
}


class ShownStatusFilter(admin.SimpleListFilter):
    """Where events stand, together with their jobs."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the states."""
        return list(InboxStatus.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the events of the state."""
        return queryset.filter(shown=self.value()) if self.value() in InboxStatus.values else queryset


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """Verified events of providers. They belong to no organization: operators alone see them."""

    nothing_here = "What Stripe and other providers tell stands here, and what became of it."
    list_display = (
        "event_id",
        "provider",
        "event_type",
        "shown_status",
        "attempts_",
        "deliveries",
        "received_at",
    )
    list_filter = (ShownStatusFilter, "provider", "event_type", "livemode", "received_at")
    list_filter_sheet = True
    search_fields = ("event_id", "event_type", "account", "trace_id", "note")
    search_help_text = "Event id, type, account, trace id or note"
    ordering = ("-received_at", "id")
    readonly_fields = fields = (
        "id", "provider", "event_id", "event_type", "account", "livemode", "api_version", "status_", "note",
        "attempts_", "errors_", "job_", "deliveries", "trace_id", "received_at", "finished_at", "body_",
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators look."""
        return is_operator(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return events with what their jobs say, the bodies left out of lists."""
        job = Job.objects.filter(pk=OuterRef("job_id"))
        events: QuerySet[Any] = super().get_queryset(request)
        events = events.annotate(
            job_status=Subquery(job.values("status")[:1]),
            job_attempts=Subquery(job.values("attempts")[:1]),
            job_most=Subquery(job.values("max_attempts")[:1]),
        ).annotate(shown=_SHOWN)
        return events.defer("body") if is_operator(request) else events.none()

    def get_urls(self) -> list[URLPattern]:
        """Add the replay of one event."""
        view = self.admin_site.admin_view(self.replay_view)
        urls: list[URLPattern] = super().get_urls()
        return [path("<uuid:event_id>/replay/", view, name="common_inboxevent_replay"), *urls]

    def replay_view(self, request: HttpRequest, event_id: Any) -> HttpResponse:
        """Ask why, then have the event worked again."""
        if not is_operator(request):
            raise PermissionDenied
        event = self.get_queryset(request).filter(pk=event_id).first()
        if event is None:
            raise Http404

        def run(reason: str) -> list[Result]:
            replay(event.pk, actor=policy().actor(request), reason=reason, now=clock.now())
            return [Result(str(event), True, "It is worked again.")]

        explain = "The stored event is worked again for real; what it did already is not done twice."
        page = ActPage("Replay", explain, 1, [event], reverse(_LIST), run)
        return page.answer(request, self.admin_site, self.opts)

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Offer the replay."""
        if obj.shown == InboxStatus.QUARANTINED:
            return []
        return [button("Replay", "replay", reverse("admin:common_inboxevent_replay", args=[obj.pk]))]

    @display(description="Status", label=_BADGES)
    def shown_status(self, event: Any) -> tuple[str, str]:
        """Return where it stands; failed and dead follow from its job."""
        return event.shown, InboxStatus(event.shown).label

    @display(description="Status")
    def status_(self, event: Any) -> str:
        """Return the same in words, for the page of one event."""
        return str(InboxStatus(event.shown).label)

    @display(description="Attempts")
    def attempts_(self, event: Any) -> str:
        """Return its job's attempts; the jobs of what is done are kept for some days only."""
        return "–" if event.job_attempts is None else f"{event.job_attempts} of {event.job_most}"

    @display(description="Errors")
    def errors_(self, event: Any) -> SafeString | str:
        """Return every failed attempt of its job."""
        job = Job.objects.filter(pk=event.job_id).only("errors").first()
        return "–" if job is None else error_history(job)

    @display(description="Job")
    def job_(self, event: Any) -> str:
        """Return which job works it."""
        return f"{event.job_kind} {event.job_id}"

    @display(description="Body")
    def body_(self, event: InboxEvent) -> SafeString:
        """Return what was sent, without secrets."""
        try:
            return pretty(json.loads(event.content))
        except ValueError:
            return preformatted(masked(event.content))


_SHOWN = Case(
    When(status__in=VERDICTS, then=F("status")),
    When(job_status="dead", then=Value(InboxStatus.DEAD.value)),
    When(job_status="running", then=Value(InboxStatus.PROCESSING.value)),
    When(Q(job_status="pending", job_attempts__gt=0), then=Value(InboxStatus.FAILED.value)),
    default=F("status"),
    output_field=CharField(),
)
