"""The books as lists: every movement of money, every refund, every dispute. Read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin_base import ScopedModelAdmin
from accounts.types import Capability
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
    """Rows that belong to an order; nobody types them."""

    organization_path = "order__organization"
    view_capability = Capability.VIEW_ORDERS
    list_select_related = ("order",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Make every field read-only."""
        return [field.name for field in self.opts.concrete_fields]

    @admin.display(description="Amount", ordering="amount")
    def money(self, row: Any) -> str:
        """Show the amount in its currency."""
        return format_money(Money(row.amount, row.currency))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(BookAdmin):
    """Every cent that moved."""

    list_display = ("occurred_at", "order", "kind", "money", "stripe_id")
    list_filter = ("kind", "currency", "occurred_at")
    search_fields = ("order__number", "stripe_id")
    ordering = ("-occurred_at", "-id")


@admin.register(Refund)
class RefundAdmin(BookAdmin):
    """What went, goes or should have gone back."""

    list_display = ("created_at", "order", "money", "shown_status", "origin", "reason", "units_returned")
    list_filter = ("status", "origin", "created_at")
    search_fields = ("order__number", "stripe_refund_id", "reason")
    ordering = ("-created_at", "-id")

    @display(description="Status", label=_REFUND_BADGES)
    def shown_status(self, refund: Refund) -> tuple[str, str]:
        """Show the status as a badge."""
        return refund.status, refund.get_status_display()


@admin.register(Dispute)
class DisputeAdmin(BookAdmin):
    """What buyers' banks dispute."""

    list_display = ("opened_at", "order", "money", "status", "reason")
    list_filter = ("status", "opened_at")
    search_fields = ("order__number", "stripe_dispute_id")
    ordering = ("-opened_at", "-id")
