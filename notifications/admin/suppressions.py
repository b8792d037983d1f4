"""The screen of the addresses that are not written to any more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextareaWidget

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from notifications.models import EmailSuppression, SuppressionReason
from notifications.services import suppression

_STANDS, _LIFTED = "Stands", "Lifted"


class StateFilter(admin.SimpleListFilter):
    """Those that stand, those that were lifted, or both."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the states."""
        return [("standing", _STANDS), ("lifted", _LIFTED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen ones."""
        if self.value() in {"standing", "lifted"}:
            return queryset.filter(lifted_at__isnull=self.value() == "standing")
        return queryset


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address that is entered by hand, and why."""

    address = forms.EmailField(max_length=254, widget=UnfoldAdminEmailInputWidget())
    why = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit history.",
    )

    class Meta:
        model = EmailSuppression
        fields = ("address",)


@admin.register(EmailSuppression)
class EmailSuppressionAdmin(ScopedModelAdmin):
    """What one's own e-mails brought about. The list holds for the whole house; the rest of it is the operators'."""

    organization_path = "organization_id"
    view_capability = Capability.VIEW_ORDERS
    form = SuppressionForm
    list_display = ("address", "shown_reason", "shown_state", "since", "lifted_at")
    list_filter = (StateFilter, "reason")
    search_fields = ("address",)
    search_help_text = "Address"
    nothing_here = (
        "Addresses that bounced, or whose people called our mail unwanted, stand here and are not written to."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for an address and why; show all of what stands."""
        if obj is None:
            return ("address", "why")
        return (
            "address", "shown_reason", "detail", "since", "cause", "shown_state", "lifted_at", "lifted_by",
            "lifted_because",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Let nothing be changed: an entry is lifted, not edited."""
        return () if obj is None else self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let operators add: the list is everybody's."""
        return scope_of(request).is_everywhere

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> EmailSuppression:
        """Call the service."""
        data = form.cleaned_data
        return suppression.suppress_by_hand(
            data["address"], actor=scope_of(request).actor, reason=data["why"], now=clock.now()
        )

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer to lift what stands; what a person complained about to operators alone."""
        is_theirs = scope_of(request).is_everywhere or obj.reason != SuppressionReason.COMPLAINT
        return super().acts_for(request, obj) if obj.lifted_at is None and is_theirs else []

    @display(
        description="Why",
        ordering="reason",
        label={
            str(SuppressionReason.HARD_BOUNCE.label): "warning",
            str(SuppressionReason.COMPLAINT.label): "danger",
        },
    )
    def shown_reason(self, row: EmailSuppression) -> str:
        """Say why."""
        return str(SuppressionReason(row.reason).label)

    @display(description="State", ordering="lifted_at", label={_STANDS: "warning", _LIFTED: "default"})
    def shown_state(self, row: EmailSuppression) -> str:
        """Say whether it stands."""
        return _STANDS if row.lifted_at is None else _LIFTED

    @admin.display(description="The e-mail that brought it about")
    def cause(self, row: EmailSuppression) -> SafeString | str:
        """Lead to the e-mail."""
        if row.message is None:
            return "-"
        link = reverse("admin:notifications_emailmessage_change", args=[row.message_id])
        return format_html('<a class="mq-textlink" href="{}">{}</a>', link, row.message.subject)

    @act(
        "Lift",
        capability=Capability.MANAGE_EVENTS,
        icon="mark_email_read",
        explain="Everybody writes to the address again. What was held back stays so until it is sent again.",
    )
    def lift(self, call: ActCall[EmailSuppression]) -> str:
        """Take it off the list."""
        suppression.lift(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "It is written to again."
