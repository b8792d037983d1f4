"""Leads of one's sponsors. Read-only, for those who manage them: they are personal data."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from accounts.admin_base import ActForm, ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from ads.files import csv_answer
from ads.models import Lead
from ads.services.exports import export_leads
from common import clock
from common.admin.times import time_column

_CONFIRMED = "confirmed"


class ExportForm(ActForm):
    """Why the data leaves the house."""

    def __init__(self, number: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number = number

    def facts(self) -> list[tuple[str, str]]:
        """Say how much it is."""
        return [("Leads", str(self.number))]


@admin.register(Lead)
class LeadAdmin(ScopedModelAdmin):
    """Leads of one's organizations, the newest first."""

    organization_path = "sponsor__event__organization"
    view_capability = Capability.MANAGE_ADS
    nothing_here = "Leads come as sponsors scan badges and attendees fill in forms."
    list_display = ("name", "email", "company", "source", "sponsor", "event", "created")
    list_filter = (
        "source",
        ("sponsor", admin.RelatedOnlyFieldListFilter),
        ("sponsor__event", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("name", "email", "company")
    search_help_text = "Name, e-mail or company"
    date_hierarchy = "created_at"
    actions = ("export_csv",)
    fields = readonly_fields = (
        "name", "email", "company", "source", "sponsor", "event", "note", "consented", "account", "given_by", "created",
    )  # fmt: skip

    created = time_column("created_at", "Given", "sponsor.event.zone")
    consented = time_column("consent_at", "Agreed", "sponsor.event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch sponsors, events and accounts along with the rows."""
        rows = super().get_queryset(request)
        return rows.select_related("sponsor__event__organization", "user", "created_by")

    @admin.display(description="Event", ordering="sponsor__event__title")
    def event(self, lead: Lead) -> str:
        """Name the event."""
        return str(lead.sponsor.event)

    @admin.display(description="Account")
    def account(self, lead: Lead) -> str:
        """Say who the lead is, where they have an account."""
        return "-" if lead.user is None else lead.user.email

    @admin.display(description="Given by")
    def given_by(self, lead: Lead) -> str:
        """Say who gave it."""
        return "-" if lead.created_by is None else lead.created_by.email

    @admin.action(description="Export as CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Lead]) -> HttpResponseBase:
        """Ask why, then send the chosen leads as a file; each export is in its sponsor's history."""
        given = request.POST if _CONFIRMED in request.POST else None
        form = ExportForm(queryset.count(), given)
        if form.is_valid():
            actor, reason = scope_of(request).actor, form.cleaned_data["reason"]
            return csv_answer(export_leads(actor, queryset, reason=reason, now=clock.now()))
        context = {
            **self.admin_site.each_context(request),
            "title": "Export leads",
            "opts": self.opts,
            "form": form,
            "back_url": request.get_full_path(),
            "select_across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        }
        return TemplateResponse(request, "admin/ads/export.html", context)
