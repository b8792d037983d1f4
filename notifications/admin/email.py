"""The staff's screen of the e-mail outbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from notifications.admin.pages import HEALTH, PERSON, RESUME, EmailPages
from notifications.models import EmailMessage, EmailStatus
from notifications.selectors import email_health, with_progress
from notifications.selectors.story import story_of
from notifications.services import acts

_COLOURS = {
    "Queued": "info",
    "Sent": "success",
    "Delivered": "success",
    "Bounced": "warning",
    "Complained": "warning",
    "Failed": "danger",
    "Suppressed": "warning",
    "Cancelled": "default",
}


@admin.register(EmailMessage)
class EmailMessageAdmin(EmailPages):
    """Every e-mail of one's organizations with its story. Those of no organization are the operators'."""

    organization_path = "organization_id"
    view_capability = Capability.VIEW_ORDERS
    list_display = (
        "subject",
        "to",
        "shown_status",
        "kind",
        "tries",
        "next_attempt",
        "created_at",
        "sent_at",
    )
    list_filter = ("status", "template", "is_urgent")
    search_fields = ("to", "subject")
    search_help_text = "Recipient or subject"
    nothing_here = "Whatever is written to people stands here, with its story."
    list_before_template = "admin/notifications/health.html"
    fields = readonly_fields = (
        "subject", "to", "person", "shown_status", "template", "is_urgent", "created_at", "sent_at", "last_error",
        "story", "attached", "text", "preview",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add attempts and the next try to the rows; the list leaves the bodies out."""
        rows = with_progress(super().get_queryset(request))
        resolved = request.resolver_match
        if resolved is not None and (resolved.url_name or "").endswith("_changelist"):
            return rows.defer("text_body", "html_body")
        return rows

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the state."""
        fitting = {
            EmailStatus.QUEUED: "cancel",
            EmailStatus.FAILED: "send_again",
            EmailStatus.SUPPRESSED: "send_again",
        }.get(obj.status)
        return [one for one in super().acts_for(request, obj) if one.name == fitting]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Put the channel's health above the list."""
        where = scope_of(request).organizations(self.view_capability)
        health = email_health(now=clock.now(), organization_ids=where)
        shown = {
            **(extra_context or {}),
            "health": health,
            "resume_url": reverse(RESUME) if scope_of(request).is_everywhere else "",
            "health_url": reverse(HEALTH),
            "person_url": reverse(PERSON),
        }
        response: HttpResponse = super().changelist_view(request, shown)
        return response

    @display(description="Status", label=_COLOURS)
    def shown_status(self, message: EmailMessage) -> str:
        """Show the status in words."""
        return str(EmailStatus(message.status).label)

    @admin.display(description="Kind", ordering="template")
    def kind(self, message: EmailMessage) -> str:
        """Say what sort of message it is."""
        return message.template.replace("_", " ").capitalize()

    @admin.display(description="Attempts")
    def tries(self, message: Any) -> int:
        """Count how often it was handed to the provider."""
        return int(message.attempt_count or 0)

    @admin.display(description="Next attempt")
    def next_attempt(self, message: Any) -> Any:
        """Say when it is tried next."""
        return message.next_attempt_at or "-"

    @admin.display(description="Story")
    def story(self, message: EmailMessage) -> str:
        """Show its way in order: each attempt, what the provider told, what staff did."""
        return render_to_string("admin/notifications/story.html", {"story": story_of(message)})

    @admin.display(description="Their messages")
    def person(self, message: EmailMessage) -> SafeString:
        """Lead to all that this address was told."""
        link = f"{reverse(PERSON)}?{urlencode({'who': message.to})}"
        return format_html('<a class="mq-textlink" href="{}">All messages to this person</a>', link)

    @admin.display(description="Attached")
    def attached(self, message: EmailMessage) -> str:
        """Name the files that go along, with their sizes."""
        named = message.attachments.order_by("position").values_list("file__filename", "file__size")
        return ", ".join(f"{name} ({filesizeformat(size)})" for name, size in named) or "-"

    @admin.display(description="Text")
    def text(self, message: EmailMessage) -> str:
        """Show the text part as it was sent."""
        return render_to_string("admin/notifications/text.html", {"message": message})

    @admin.display(description="HTML")
    def preview(self, message: EmailMessage) -> str:
        """Show the HTML part where it can do nothing: no scripts, no forms, no origin."""
        return render_to_string("admin/notifications/preview.html", {"message": message})

    @act("Cancel", capability=Capability.MANAGE_EVENTS, icon="cancel", is_dangerous=True,
         explain="Only what is still waiting can be taken back.")  # fmt: skip
    def cancel(self, call: ActCall[EmailMessage]) -> str:
        """Take it back."""
        acts.cancel(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "Cancelled."

    @act("Send again", capability=Capability.MANAGE_EVENTS, icon="refresh",
         explain="Under the same Message-ID. An attempt without an answer may have arrived. What was held back goes "
                 "out only if the address is written to again.")  # fmt: skip
    def send_again(self, call: ActCall[EmailMessage]) -> str:
        """Try a failed one again."""
        acts.send_again(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "Queued again."
