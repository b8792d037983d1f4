"""Offers with their stock: list, form, and the acts that put them on sale or take them off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, act
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.times import time_words
from common.errors import Invalid
from common.money import format_money
from events.admin_choosing import EventFirst
from offers.admin.forms import LINKED_FIELDS, PLAIN_FIELDS, OfferForm, named_as_here
from offers.models import Offer
from offers.querysets import is_over, on_sale, with_room
from offers.services import catalog
from offers.types import OfferInput

_STATES = {
    "on_sale": ("On sale", "success"),
    "sold_out": ("Sold out", "warning"),
    "scheduled": ("Scheduled", "info"),
    "ended": ("Ended", "default"),
    "paused": ("Paused", "warning"),
    "archived": ("Archived", "default"),
}


def state_of(offer: Offer) -> str:
    """Return what a member of staff wants to know first: can it be bought, and if not, why."""
    now = clock.now()
    if offer.is_archived:
        return "archived"
    if offer.is_over(now):
        return "ended"
    if not offer.is_active:
        return "paused"
    if offer.starts_at is not None and offer.starts_at > now:
        return "scheduled"
    tier = offer.upgrade_to_tier
    return "sold_out" if offer.units_left == 0 or (tier is not None and tier.available == 0) else "on_sale"


class StateFilter(admin.SimpleListFilter):
    """Offers that can be bought now, or not, and why."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the states."""
        return [(name, label) for name, (label, _) in _STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the offers in the state."""
        now = clock.now()
        kept = queryset.filter(is_archived=False)
        match self.value():
            case "archived":
                return queryset.filter(is_archived=True)
            case "ended":
                return kept.filter(is_over(now))
            case "paused":
                return kept.filter(is_active=False).exclude(is_over(now))
            case "scheduled":
                return kept.filter(is_active=True, starts_at__gt=now).exclude(is_over(now))
            case "sold_out":
                return kept.filter(on_sale(now)).exclude(with_room())
            case "on_sale":
                return kept.filter(on_sale(now), with_room())
            case _:
                return queryset


@admin.register(Offer)
class OfferAdmin(EventFirst):
    """Offers of one's organizations."""

    organization_path = "event__organization"
    add_capability = change_capability = Capability.MANAGE_OFFERS
    nothing_here = "What you sell at your events stands here."
    form = OfferForm
    event_question = "Which event is the offer for?"
    event_explained = (
        "Its sessions, tiers, currency and clocks are those of the form. An offer stays at its event."
    )
    list_display = ("title", "event", "kind", "placement", "shown_price", "stock", "state", "sold_when")
    list_filter = (StateFilter, ("event", admin.RelatedOnlyFieldListFilter), "offer_type", "placement")
    search_fields = ("title", "event__title")
    fieldsets = (
        (None, {"fields": ("event", "title", "description", "offer_type", "placement", "image_url")}),
        ("Price", {"fields": ("price", "original_price", "allows_delayed_payment")}),
        ("Stock", {"fields": ("inventory_total", "per_user_limit", "stock")}),
        ("When", {"fields": ("starts_at", "expires_at", "is_active")}),
        (
            "For whom",
            {"fields": ("target_sessions", "target_ticket_tiers", "requires_offer", "excludes_offer")},
        ),
        (
            "What the buyer gets",
            {
                "fields": ("upgrade_to_tier", "content_url"),
                "description": "Merchandise and services need nothing here: your people send them, or set a time.",
            },
        ),
        ("At Stripe", {"fields": ("stripe_product_id", "stripe_price_id")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch along with the rows their events, and the tiers that upgrades lead to."""
        return super().get_queryset(request).select_related("event__organization", "upgrade_to_tier")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep an offer at its event; stock moves by sales."""
        return ("event", "stock", "stripe_product_id", "stripe_price_id")

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> Offer:
        """Call the catalog, whose refusals are shown at their fields."""
        if not isinstance(form, OfferForm):
            raise TypeError("offers are saved through their form")
        actor, now = scope_of(request).actor, clock.now()
        data: dict[str, Any] = form.cleaned_data
        links: dict[str, Any] = {
            f"{name}_id": data[name].pk if data[name] else None for name in LINKED_FIELDS
        }
        given = OfferInput(
            **{name: data[name] for name in PLAIN_FIELDS},
            **links,
            price=data["price"],
            original_price=data["original_price"] or None,
            target_sessions=form.chosen("target_sessions"),
            target_ticket_tiers=form.chosen("target_ticket_tiers"),
        )
        try:
            if change:
                return catalog.update_offer(actor, obj.pk, given, now=now)
            return catalog.create_offer(actor, form.event.pk, given, now=now)
        except Invalid as refused:
            raise named_as_here(refused) from refused

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the state."""
        fits = {"pause": obj.is_active, "activate": not obj.is_active}
        found = [] if obj.is_archived else super().acts_for(request, obj)
        return [one for one in found if fits.get(one.name, True)]

    @admin.display(description="Type", ordering="offer_type")
    def kind(self, offer: Offer) -> str:
        """Show the type in words."""
        return str(offer.get_offer_type_display())

    @admin.display(description="Price", ordering="price_amount")
    def shown_price(self, offer: Offer) -> str:
        """Show the price as people read it."""
        return format_money(offer.price) if offer.price_amount else "Free"

    @admin.display(description="On sale when", ordering="expires_at")
    def sold_when(self, offer: Offer) -> str:
        """Show the window as the clocks at the event say it."""
        ends = [("from", offer.starts_at), ("until", offer.expires_at)]
        said = [
            f"{word} {time_words(instant, offer.event.zone)}" for word, instant in ends if instant is not None
        ]
        return " ".join(said) or "always"

    @admin.display(description="Stock")
    def stock(self, offer: Offer) -> str:
        """Show sold, reserved and left as a bar with words."""
        if offer._state.adding:
            return "-"
        figures = {"offer": offer, "left": offer.units_left, "taken": offer.sold + offer.reserved}
        return render_to_string("admin/offers/stock.html", figures)

    @display(description="State", label=dict(_STATES.values()))
    def state(self, offer: Offer) -> str:
        """Say whether it can be bought, in a word."""
        return _STATES[state_of(offer)][0]

    @act("Pause", capability=Capability.MANAGE_OFFERS, explain="Nobody can buy it; open checkouts may still be paid.",
         icon="pause")  # fmt: skip
    def pause(self, call: ActCall[Offer]) -> str:
        """Take it off sale."""
        catalog.set_active(call.actor, call.subject.pk, active=False, reason=call.reason, now=call.now)
        return "Paused."

    @act("Put on sale", capability=Capability.MANAGE_OFFERS, icon="play_arrow")
    def activate(self, call: ActCall[Offer]) -> str:
        """Put it on sale."""
        catalog.set_active(call.actor, call.subject.pk, active=True, reason=call.reason, now=call.now)
        return "On sale."

    @act("Archive", capability=Capability.MANAGE_OFFERS, icon="archive", is_dangerous=True,
         explain="It is gone for good from every list; what was bought of it stays.")  # fmt: skip
    def archive(self, call: ActCall[Offer]) -> str:
        """Take it away for good."""
        catalog.archive_offer(call.actor, call.subject.pk, reason=call.reason, now=call.now)
        return "Archived."
