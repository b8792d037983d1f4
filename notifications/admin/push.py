"""The staff's screen of push messages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.acts import ActPage, Result
from common.admin.times import time_words
from notifications import kinds
from notifications.models import PushMessage, PushProvider, PushStatus
from notifications.selectors.push import push_health
from notifications.services.push import acts

COLOURS = {
    "Queued": "info",
    "Held back": "info",
    "Suppressed": "warning",
    "In a summary": "default",
    "Cancelled": "default",
    "Failed": "danger",
    "Sent": "success",
    "Delivered": "success",
    "Opened": "success",
}
LIST = "admin:notifications_pushmessage_changelist"
_RESUME = "admin:notifications_pushmessage_resume"


class KindFilter(admin.SimpleListFilter):
    """Messages of one kind, as people choose among them: named by the registry, for the table is long."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the kinds that come by push."""
        return [(one.name, one.title) for one in kinds.registry.all() if kinds.Channel.PUSH in one.channels]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those of the chosen one."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(kind__in=kinds.registry.messages_of(chosen))


@admin.register(PushMessage)
class PushMessageAdmin(ScopedModelAdmin):
    """Every push message of one's organizations, with what became of it on each device."""

    organization_path = "organization_id"
    view_capability = Capability.VIEW_ORDERS
    list_display = (
        "title",
        "user",
        "shown_status",
        "shown_kind",
        "campaign",
        "created_at",
        "sent_at",
        "opened_at",
    )
    list_filter = ("status", KindFilter, "is_urgent")
    list_select_related = ("user", "campaign")
    search_fields = ("user__email", "title")
    search_help_text = "Person or title"
    nothing_here = "What is pushed to people's devices stands here. Whoever has no device gets no row."
    list_before_template = "admin/notifications/push_health.html"
    fields = readonly_fields = (
        "title", "text", "user", "shown_status", "why", "shown_kind", "is_urgent", "campaign", "summary",
        "held_until", "created_at", "sent_at", "delivered_at", "opened_at", "story", "data",
    )  # fmt: skip

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer to send again what failed."""
        return super().acts_for(request, obj) if obj.status == PushStatus.FAILED else []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Put the channel's health above the list."""
        scope = scope_of(request)
        health = push_health(now=clock.now(), organization_ids=scope.organizations(self.view_capability))
        pauses = [
            (pause, reverse(_RESUME, args=[pause.provider.value]) if scope.is_everywhere else "")
            for pause in health.pauses
        ]
        shown = {**(extra_context or {}), "push_health": health, "pauses": pauses}
        response: HttpResponse = super().changelist_view(request, shown)
        return response

    def get_urls(self) -> list[URLPattern]:
        """Add the end of a pause, before the addresses of messages."""
        view = self.admin_site.admin_view(self.resume_view)
        urls: list[URLPattern] = super().get_urls()
        return [path("resume/<str:provider>/", view, name="notifications_pushmessage_resume"), *urls]

    def resume_view(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Ask why, then let a provider be written to again. It is everybody's: operators alone may."""
        scope = scope_of(request)
        if not scope.is_everywhere:
            raise PermissionDenied
        if provider not in PushProvider.values:
            raise Http404
        chosen = PushProvider(provider)

        def run(reason: str) -> list[Result]:
            resumed = acts.resume_provider(chosen, actor=scope.actor, reason=reason, now=clock.now())
            told = "It is written to again." if resumed else "It was not paused any more."
            return [Result(str(chosen.label), resumed, told)]

        explain = "It is written to again at once. If it still refuses the account, it pauses again."
        page = ActPage("Resume now", explain, 1, [f"Push by {chosen.label}"], reverse(LIST), run)
        return page.answer(request, self.admin_site, self.opts)

    @display(description="Status", label=COLOURS)
    def shown_status(self, message: PushMessage) -> str:
        """Show the status in words."""
        return str(PushStatus(message.status).label)

    @admin.display(description="Why")
    def why(self, message: PushMessage) -> str:
        """Say why it stands as it does, where there is something to say."""
        return message.status_reason or "-"

    @admin.display(description="Text")
    def text(self, message: PushMessage) -> str:
        """Show what it says."""
        return message.body

    @admin.display(description="Held back until")
    def held_until(self, message: PushMessage) -> str:
        """Say when it goes out at the earliest."""
        return time_words(message.not_before)

    @admin.display(description="Kind", ordering="kind")
    def shown_kind(self, message: PushMessage) -> str:
        """Say what sort of message it is, as people choose among them."""
        known = kinds.find(message.kind)
        return known.title if known is not None else message.kind.replace("_", " ").capitalize()

    @admin.display(description="Devices")
    def story(self, message: PushMessage) -> str:
        """Show each device with how far the message got there."""
        rows = [
            (one, PushStatus(one.status).label, COLOURS[str(PushStatus(one.status).label)])
            for one in message.deliveries.select_related("device")[:50]
        ]
        return render_to_string("admin/notifications/deliveries.html", {"rows": rows})

    @act(
        "Send again",
        capability=Capability.MANAGE_EVENTS,
        icon="refresh",
        explain="Under the same id: a device that has it already shows it once.",
    )
    def send_again(self, call: ActCall[PushMessage]) -> str:
        """Try a failed one again."""
        acts.send_again(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "Queued again."
