"""Who bought what. Read-only: money moves on the order's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin_base import ScopedModelAdmin
from accounts.types import Capability
from common.admin.links import link_to
from common.admin.times import time_column
from common.money import format_money
from offers.admin.words import standing_of
from offers.models import Fulfillment, Purchase, PurchaseStatus


@admin.register(Purchase)
class PurchaseAdmin(ScopedModelAdmin):
    """Purchases of one's organizations, the newest first."""

    organization_path = "event__organization"
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Purchases come as people buy."
    list_display = ("offer", "buyer", "units", "standing", "fulfilment", "total", "order_link", "placed")
    list_filter = (
        "status",
        ("event", admin.RelatedOnlyFieldListFilter),
        "offer__offer_type",
        "fulfillment__status",
    )
    search_fields = ("user__email", "order__number", "offer__title")
    search_help_text = "Buyer, order number or offer"
    date_hierarchy = "created_at"
    fields = readonly_fields = (
        "offer", "event", "buyer", "order_link", "units", "standing", "fulfilment", "total", "ticket", "placed",
        "sold_on",
    )  # fmt: skip

    placed = time_column("created_at", "Placed", "event.zone")
    sold_on = time_column("purchased_at", "Sold", "event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch offers, buyers and orders along with the rows."""
        return (
            super()
            .get_queryset(request)
            .select_related("event__organization", "offer", "user", "order", "ticket", "fulfillment")
        )

    @admin.display(description="Buyer", ordering="user__email")
    def buyer(self, purchase: Purchase) -> str:
        """Name the buyer."""
        return purchase.user.email

    @admin.display(description="Units", ordering="quantity")
    def units(self, purchase: Purchase) -> str:
        """Count what was asked for, and what of it came back."""
        back = purchase.returned_units
        return f"{purchase.quantity} ({back} came back)" if back else str(purchase.quantity)

    @admin.display(description="Status", ordering="status")
    def standing(self, purchase: Purchase) -> str:
        """Say where the units are."""
        return str(PurchaseStatus(purchase.status).label)

    @admin.display(description="Fulfilment", ordering="fulfillment__status")
    def fulfilment(self, purchase: Purchase) -> str:
        """Show how far the buyer is from having it; nothing is owed before it is paid."""
        owed: Fulfillment | None = getattr(purchase, "fulfillment", None)
        return "-" if owed is None else standing_of(owed)

    @admin.display(description="Total")
    def total(self, purchase: Purchase) -> str:
        """Show what was asked for it."""
        return format_money(purchase.order.total)

    @admin.display(description="Order")
    def order_link(self, purchase: Purchase) -> str:
        """Lead to the order with its timeline."""
        return link_to(
            reverse("admin:payments_order_change", args=[purchase.order_id]), purchase.order.number
        )
