"""The staff's screen of what people chose to get."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from accounts.admin_base import ActCall, act
from accounts.types import Capability
from common.admin.times import time_column, time_words
from notifications import kinds
from notifications.admin.people import PersonScopedAdmin
from notifications.kinds import Channel
from notifications.models import MutedBy, MutedKind, NotificationPreferences
from notifications.services import choices


@admin.register(NotificationPreferences)
class NotificationPreferencesAdmin(PersonScopedAdmin):
    """What people at one's events do without, and when they are not disturbed. It is theirs: staff only look."""

    operators_acts = frozenset({"reset"})
    list_display = ("user", "does_without", "quiet_hours", "changed")
    nothing_here = "Whoever chooses anything stands here. To everybody else everything comes."
    fields = readonly_fields = ("user", "switched_off", "quiet_hours", "changed")

    changed = time_column("changed_at", "Changed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Have what is switched off at hand for a whole page."""
        return super().get_queryset(request).prefetch_related("muted")

    @admin.display(description="Does without")
    def does_without(self, chosen: NotificationPreferences) -> str:
        """Name it in a line."""
        return ", ".join(_words(one) for one in chosen.muted.all()) or "-"

    @admin.display(description="Does without")
    def switched_off(self, chosen: NotificationPreferences) -> str:
        """Say of each since when, and by which way it was switched off."""
        told = (
            (_words(one), MutedBy(one.muted_by).label.lower(), time_words(one.muted_at))
            for one in chosen.muted.all()
        )
        return (
            format_html_join("", "<div>{}: switched off {}, {}</div>", told) or "Nothing: everything comes."
        )

    @admin.display(description="Quiet hours")
    def quiet_hours(self, chosen: NotificationPreferences) -> str:
        """Say from when to when, and by which clocks."""
        if chosen.quiet_starts_at is None:
            return "-"
        return f"{chosen.quiet_starts_at:%H:%M} to {chosen.quiet_ends_at:%H:%M}, {chosen.time_zone}"

    @act("Reset", capability=Capability.MANAGE_EVENTS, icon="restart_alt", is_dangerous=True, on_many=False,
         explain="Everything comes again, at any time. Only where the person asks for it: "
                 "who unsubscribed must not be written to against their will.")  # fmt: skip
    def reset(self, call: ActCall[NotificationPreferences]) -> str:
        """Let everything come again."""
        choices.reset_preferences(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "Everything comes again."


def _words(muted: MutedKind) -> str:
    kind = kinds.find(muted.kind)
    title = kind.title if kind is not None else muted.kind
    return f"{title} by {Channel(muted.channel).label.lower()}"
