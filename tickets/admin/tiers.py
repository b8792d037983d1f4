"""The screen of tiers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.money import Money, decimal_string, format_money
from tickets.models import TicketTier
from tickets.services import tiers

_FIELDS = (
    "name", "description", "priority", "price", "inventory_total", "per_user_limit", "is_active", "sort_order",
)  # fmt: skip


class TierForm(forms.ModelForm):  # type: ignore[type-arg]
    """A tier, its price as a decimal in the event's currency."""

    price = forms.CharField(
        max_length=20,
        widget=UnfoldAdminTextInputWidget(),
        initial="0",
        help_text="In the event's currency; 0 is free.",
    )

    class Meta:
        model = TicketTier
        fields = (
            "event", "name", "description", "priority", "inventory_total", "per_user_limit", "is_active",
            "sort_order",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What prices are in. A page that showed another currency has its price refused, not read in this one.
        self.units: dict[str, str] = {}
        # Who only looks has no fields.
        if not self.instance._state.adding and "price" in self.fields:
            self._show_price(self.instance)

    def _show_price(self, tier: TicketTier) -> None:
        currency = tiers.currency_of_price(tier)
        self.units["price"] = currency
        self.initial["price"] = decimal_string(Money(tier.price_amount, currency))
        example = decimal_string(Money(1999, currency))
        self.fields["price"].help_text = f"In {currency}, such as {example}; 0 is free."


@admin.register(TicketTier)
class TicketTierAdmin(ScopedModelAdmin):
    """Tiers with their stock."""

    organization_path = "event__organization"
    add_capability = change_capability = Capability.MANAGE_EVENTS
    form = TierForm
    list_display = (
        "name",
        "event",
        "priority",
        "shown_price",
        "stock_total",
        "sold",
        "reserved",
        "is_active",
    )
    list_select_related = ("event",)
    list_filter = ("priority", "is_active", ("event", admin.RelatedOnlyFieldListFilter))
    nothing_here = "The kinds of tickets of your events stand here."
    search_fields = ("name", "event__title")
    autocomplete_fields = ("event",)
    fields = ("event", *_FIELDS, "sold", "reserved")

    @admin.display(description="Price", ordering="price_amount")
    def shown_price(self, tier: TicketTier) -> str:
        """Show the price as people read it."""
        return format_money(tier.price)

    @admin.display(description="Tickets in all", ordering="inventory_total")
    def stock_total(self, tier: TicketTier) -> str:
        """Say how many there are."""
        return "Unlimited" if tier.inventory_total is None else str(tier.inventory_total)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a tier in its event; counters change by sales."""
        return ("sold", "reserved") if obj is None else ("event", "sold", "reserved")

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> TicketTier:
        """Call the service."""
        actor, now = scope_of(request).actor, clock.now()
        data = tiers.TierInput(**{name: form.cleaned_data[name] for name in _FIELDS})
        if change:
            return tiers.update_tier(actor=actor, tier_id=obj.pk, tier=data, now=now)
        return tiers.create_tier(actor=actor, event_id=form.cleaned_data["event"].pk, tier=data, now=now)
