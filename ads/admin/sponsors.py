"""Sponsors of one's events, and who their people are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from ads.models import Lead, Sponsor, SponsorMember
from ads.services import sponsors as service
from ads.types.sponsors import MAXIMUM_URL, SponsorInput
from common import clock
from common.admin.links import link_to
from common.admin.times import time_column


class SponsorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A sponsor with its people by e-mail, so that nobody browses the platform's people."""

    # Text, not a URL field: which addresses will do is the service's to say.
    website = forms.CharField(
        max_length=MAXIMUM_URL, required=False, widget=UnfoldAdminTextInputWidget(), help_text="https only."
    )
    people = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Their e-mails, one a line. They see every lead of the sponsor and may export them.",
    )

    class Meta:
        model = Sponsor
        fields = ("event", "name", "website", "description", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            members = SponsorMember.objects.filter(sponsor=self.instance).order_by("user__email")
            self.initial["people"] = "\n".join(members.values_list("user__email", flat=True))

    def as_input(self) -> SponsorInput:
        """Return what was typed as the service takes it."""
        data = self.cleaned_data
        return SponsorInput(
            name=data["name"],
            website=data["website"],
            description=data["description"],
            is_active=data["is_active"],
            people=tuple(data["people"].replace(",", "\n").splitlines()),
        )

    def _get_validation_exclusions(self) -> set[str]:
        """Leave the model's own checks out: the service judges, once for all doors."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"name", "website", "description"}


@admin.register(Sponsor)
class SponsorAdmin(ScopedModelAdmin):
    """Sponsors of one's events. Their people's e-mails are for those who manage them."""

    organization_path = "event__organization"
    view_capability = add_capability = change_capability = Capability.MANAGE_ADS
    nothing_here = "Who supports your events, and gathers leads there, stands here."
    form = SponsorForm
    list_display = ("name", "event", "website", "state", "people_number", "lead_number", "added")
    list_filter = ("is_active", ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "event__title")
    search_help_text = "Sponsor or event"
    autocomplete_fields = ("event",)
    fields = ("event", "name", "website", "description", "is_active", "people")

    added = time_column("created_at", "Added", "event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count people and leads along with the rows."""
        rows: QuerySet[Any] = super().get_queryset(request).select_related("event__organization")
        counted: QuerySet[Any] = rows.annotate(people_count=_number(SponsorMember), lead_count=_number(Lead))
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a sponsor at its event."""
        return () if obj is None else ("event",)

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> Sponsor:
        """Call the service, whose refusals are shown at their fields."""
        if not isinstance(form, SponsorForm):
            raise TypeError("sponsors are saved through their form")
        actor, now, given = scope_of(request).actor, clock.now(), form.as_input()
        if change:
            return service.update_sponsor(actor=actor, sponsor_id=obj.pk, sponsor=given, now=now)
        event_id = form.cleaned_data["event"].pk
        return service.create_sponsor(actor=actor, event_id=event_id, sponsor=given, now=now)

    @display(description="State", label={"Shown": "success", "Taken off": "default"})
    def state(self, sponsor: Sponsor) -> str:
        """Say whether it is shown and takes leads, in a word."""
        return "Shown" if sponsor.is_active else "Taken off"

    @admin.display(description="People", ordering="people_count")
    def people_number(self, sponsor: Any) -> int:
        """Count who sees its leads."""
        number: int = sponsor.people_count
        return number

    @admin.display(description="Leads", ordering="lead_count")
    def lead_number(self, sponsor: Any) -> str:
        """Count its leads, and lead to them."""
        address = f"{reverse('admin:ads_lead_changelist')}?sponsor__id__exact={sponsor.pk}"
        return link_to(address, sponsor.lead_count)


def _number(model: type[SponsorMember] | type[Lead]) -> Any:
    """Return how many rows of a table the sponsor has: counted beside each other, not multiplied."""
    rows = model._default_manager.filter(sponsor=OuterRef("pk")).order_by().values("sponsor")
    return Coalesce(Subquery(rows.annotate(number=Count("pk")).values("number")), 0)
