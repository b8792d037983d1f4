"""The books as lists: every movement of money, every refund, every dispute. Read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from accounts.admin_base import ScopedModelAdmin
from accounts.models import User
from accounts.types import Capability
from common.admin.links import link_to
from common.admin.times import time_column
from common.money import Money, format_money
from payments.models import Dispute, LedgerEntry, Refund, RefundStatus

_REFUND_BADGES = {
    RefundStatus.REQUESTED.value: "info",
    RefundStatus.PENDING.value: "info",
    RefundStatus.REQUIRES_ACTION.value: "warning",
    RefundStatus.SUCCEEDED.value: "success",
    RefundStatus.FAILED.value: "danger",
    RefundStatus.CANCELED.value: "danger",
}


class BookAdmin(ScopedModelAdmin):
    """Rows that belong to an order; nobody types them. Amounts are shown as people read them."""

    organization_path = "order__organization"
    view_capability = Capability.VIEW_ORDERS
    list_select_related = ("order__event",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Make every field read-only."""
        return [str(name) for name in self.fields or ()]

    @admin.display(description="Amount", ordering="amount")
    def money(self, row: Any) -> str:
        """Show the amount in its currency."""
        return format_money(Money(row.amount, row.currency))

    @admin.display(description="Order", ordering="order__number")
    def order_link(self, row: Any) -> str:
        """Lead to the order."""
        return link_to(reverse("admin:payments_order_change", args=[row.order_id]), row.order.number)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(BookAdmin):
    """Every cent that moved."""

    nothing_here = "Money that is charged, refunded or disputed is entered here."
    list_display = ("occurred", "kind", "money", "order_link", "stripe_id")
    list_filter = ("kind", "currency", "occurred_at")
    search_fields = ("order__number", "stripe_id")
    search_help_text = "Order number or Stripe's id"
    ordering = ("-occurred_at", "-id")
    fields = ("kind", "money", "order_link", "stripe_id", "occurred", "recorded")

    occurred = time_column("occurred_at", "When", "order.event.zone")
    recorded = time_column("recorded_at", "Entered here", "order.event.zone")


@admin.register(Refund)
class RefundAdmin(BookAdmin):
    """What went, goes or should have gone back."""

    nothing_here = "No money was given back so far. Refunds are made on the page of an order."
    list_display = ("asked", "money", "shown_status", "order_link", "origin", "reason", "goods_back")
    list_filter = ("status", "origin", "created_at")
    search_fields = ("order__number", "stripe_refund_id", "reason")
    search_help_text = "Order number, Stripe's id or a word of the reason"
    ordering = ("-created_at", "-id")
    fields = (
        "money", "status", "order_link", "payment", "origin", "requested_by_", "reason", "goods_back", "delivery",
        "failure", "stripe_refund_id", "asked", "settled",
    )  # fmt: skip

    asked = time_column("created_at", "Asked for", "order.event.zone")
    settled = time_column("settled_at", "Settled", "order.event.zone")

    @display(description="Status", label=_REFUND_BADGES)
    def shown_status(self, refund: Refund) -> tuple[str, str]:
        """Show the status as a badge."""
        return refund.status, refund.get_status_display()

    @admin.display(description="Goods taken back")
    def goods_back(self, refund: Refund) -> str:
        """Say how many units came back of those that were to."""
        if not refund.restock_units:
            return "No"
        if refund.units_returned == refund.restock_units:
            return f"{refund.units_returned} unit{'' if refund.units_returned == 1 else 's'}"
        return f"{refund.units_returned} of {refund.restock_units} units so far"

    @admin.display(description="Delivery")
    def delivery(self, refund: Refund) -> str:
        """Say whether it stopped the delivery."""
        return "Stopped by this refund" if refund.stopped_fulfilment else "Not touched"

    @admin.display(description="Asked for by")
    def requested_by_(self, refund: Refund) -> str:
        """Name who asked for it."""
        if refund.requested_by is None:
            return "-"
        email = User.objects.filter(pk=refund.requested_by).values_list("email", flat=True).first()
        return email or str(refund.requested_by)


@admin.register(Dispute)
class DisputeAdmin(BookAdmin):
    """What buyers' banks dispute."""

    nothing_title = "No disputes"
    nothing_here = "No buyer's bank disputes a payment."
    list_display = ("opened", "money", "shown_status", "shown_reason", "order_link")
    list_filter = ("status", "opened_at")
    search_fields = ("order__number", "stripe_dispute_id")
    search_help_text = "Order number or Stripe's id"
    ordering = ("-opened_at", "-id")
    fields = (
        "money", "shown_status", "shown_reason", "order_link", "payment", "stripe_dispute_id", "opened", "changed",
    )  # fmt: skip

    opened = time_column("opened_at", "Opened", "order.event.zone")
    changed = time_column("updated_at", "Last change", "order.event.zone")

    @admin.display(description="Status", ordering="status")
    def shown_status(self, dispute: Dispute) -> str:
        """Say the bank's status in words."""
        return dispute.status.replace("_", " ").capitalize()

    @admin.display(description="Reason", ordering="reason")
    def shown_reason(self, dispute: Dispute) -> str:
        """Say the bank's reason in words."""
        return dispute.reason.replace("_", " ").capitalize() or "-"
