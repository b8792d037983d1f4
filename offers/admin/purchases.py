"""Who bought what. Read-only: money moves on the order's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin_base import ScopedModelAdmin
from accounts.types import Capability
from common.money import format_money
from offers.admin.offers import link_to
from offers.models import Fulfillment, FulfillmentStatus, Purchase, PurchaseStatus


@admin.register(Purchase)
class PurchaseAdmin(ScopedModelAdmin):
    """Purchases of one's organizations, the newest first."""

    organization_path = "event__organization"
    view_capability = Capability.VIEW_ORDERS
    list_display = (
        "offer", "buyer", "quantity", "reserved_units", "sold_units", "returned_units", "standing", "fulfilment",
        "total", "order_link", "created_at",
    )  # fmt: skip
    list_filter = (
        "status",
        ("event", admin.RelatedOnlyFieldListFilter),
        "offer__offer_type",
        "fulfillment__status",
    )
    search_fields = ("user__email", "order__number", "offer__title")
    date_hierarchy = "created_at"

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

    @admin.display(description="Status", ordering="status")
    def standing(self, purchase: Purchase) -> str:
        """Say where the units are."""
        return str(PurchaseStatus(purchase.status).label)

    @admin.display(description="Fulfilment", ordering="fulfillment__status")
    def fulfilment(self, purchase: Purchase) -> str:
        """Show how far the buyer is from having it; nothing is owed before it is paid."""
        owed: Fulfillment | None = getattr(purchase, "fulfillment", None)
        return "-" if owed is None else str(FulfillmentStatus(owed.status).label)

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
