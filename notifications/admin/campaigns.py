"""The staff's screen of campaigns: written, looked at, sent, watched, stopped."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
)

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.admin_base.acts import show_refusal
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.times import time_column
from common.errors import Failure
from common.outbox.ids import new_id
from events.admin_pages import event_to_work_at
from events.models import Event
from notifications.models import PushCampaign
from notifications.selectors.push import CampaignFigures, figures_of
from notifications.services.push import audiences, campaigns
from notifications.services.push.campaigns import NewCampaign, Preview

_LIST: Final = "admin:notifications_pushcampaign_changelist"
_CHANGE: Final = "admin:notifications_pushcampaign_change"
# More cannot be chosen from by eye.
_COLOURS: Final = {"Sending": "info", "Sent": "success", "Cancelled": "default"}


class CampaignForm(forms.Form):
    """What is said, to whom and why."""

    audience = forms.ChoiceField(label=_("To whom"), widget=UnfoldAdminSelectWidget)
    title = forms.CharField(
        label=_("Title"), max_length=100, widget=UnfoldAdminTextInputWidget, help_text=_("100 characters.")
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("500 characters; a phone shows the first two lines."),
    )
    url = forms.URLField(
        label=_("Where a tap leads"),
        max_length=500,
        required=False,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text=_("An https address. Empty: the app opens."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Kept in the audit history."),
    )

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event = event
        field = self.fields["audience"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 as declared above
        field.choices = _choices(event)

    def campaign(self) -> NewCampaign:
        """Return what was asked for."""
        given = self.cleaned_data
        name, _, part = given["audience"].partition(":")
        return NewCampaign(
            event_id=self.event.pk,
            audience=name,
            part=UUID(part) if part else None,
            title=given["title"],
            body=given["body"],
            url=given["url"],
        )


@admin.register(PushCampaign)
class PushCampaignAdmin(ScopedModelAdmin):
    """Sends to many. Who manages events writes them; what was sent is not changed any more."""

    organization_path = "organization_id"
    view_capability = Capability.VIEW_ORDERS
    add_capability = Capability.MANAGE_EVENTS
    list_display = ("title", "event", "whom", "state", "people", "created")
    list_filter = (("event", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("event",)
    search_fields = ("title", "event__title")
    nothing_here = (
        "Tell everybody who is registered for an event, or holds tickets of one tier, something at once."
    )
    fields = readonly_fields = (
        "title", "text", "tap", "event", "whom", "state", "progress", "created",
    )  # fmt: skip

    created = time_column("created_at", "Created", "event.zone")

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer to stop what still goes on."""
        if obj.cancelled_at is not None or (obj.written_at is not None and not _figures(obj).queued):
            return []
        return super().acts_for(request, obj)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the event, then for the words; show them and to how many; then send."""
        event, events = event_to_work_at(request, Capability.MANAGE_EVENTS)
        if event is None:
            return self._page(request, {"events": events})
        form = CampaignForm(request.POST if request.method == "POST" else None, event=event)
        preview: Preview | None = None
        if form.is_bound and form.is_valid():
            actor, new, key = scope_of(request).actor, form.campaign(), _key(request)
            try:
                if key is not None:
                    reason = form.cleaned_data["reason"]
                    sent = campaigns.create(new, actor=actor, reason=reason, now=clock.now(), key=key)
                    return HttpResponseRedirect(reverse(_CHANGE, args=[sent.pk]))
                preview = campaigns.preview(actor, event.pk, new.audience, new.part)
            except Failure as refusal:
                show_refusal(form, refusal)
        # Made with what they look at: however often this page is sent, it is one campaign.
        return self._page(request, {"event": event, "form": form, "preview": preview, "key": new_id()})

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        frame = {
            **self.admin_site.each_context(request),
            "title": "New push campaign",
            "opts": self.opts,
            "media": self.media,
            "back_url": reverse(_LIST),
        }
        return TemplateResponse(request, "admin/notifications/campaign.html", {**frame, **context})

    @display(description="State", label=_COLOURS)
    def state(self, campaign: PushCampaign) -> str:
        """Say whether people are still being written to."""
        if campaign.cancelled_at is not None:
            return "Cancelled"
        return "Sending" if campaign.written_at is None else "Sent"

    @admin.display(description="To whom", ordering="audience_label")
    def whom(self, campaign: PushCampaign) -> str:
        """Name the audience."""
        return campaign.audience_label

    @admin.display(description="Text")
    def text(self, campaign: PushCampaign) -> str:
        """Show what it says."""
        return campaign.body

    @admin.display(description="Where a tap leads")
    def tap(self, campaign: PushCampaign) -> str:
        """Show the address, which is anybody's: as text."""
        return campaign.url or "The app opens"

    @admin.display(description="Progress")
    def progress(self, campaign: PushCampaign) -> str:
        """Show how far it got."""
        context = {
            "campaign": campaign,
            "figures": _figures(campaign),
            "audience": "all of them" if campaign.written_at else "so far",
        }
        return render_to_string("admin/notifications/campaign_figures.html", context)

    @act(
        "Cancel",
        capability=Capability.MANAGE_EVENTS,
        icon="cancel",
        is_dangerous=True,
        explain="What was sent stays sent; nobody else is written to.",
        on_many=False,
    )
    def cancel(self, call: ActCall[PushCampaign]) -> str:
        """Stop it."""
        taken = campaigns.cancel(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return f"Cancelled; {taken} messages that waited were taken back."


def _key(request: HttpRequest) -> UUID | None:
    """Return the key of the preview that is confirmed, None when none is."""
    if "confirmed" not in request.POST:
        return None
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def _figures(campaign: PushCampaign) -> CampaignFigures:
    return figures_of([campaign.pk])[campaign.pk]


def _choices(event: Event) -> list[tuple[str, str]]:
    found = []
    for one in audiences.registry.all():
        if one.parts is None:
            found.append((one.name, one.title))
            continue
        found += [(f"{one.name}:{part}", f"{one.title}: {name}") for part, name in one.parts(event.pk)]
    return found
