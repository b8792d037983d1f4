"""The order: its standing, its goods, and everything that happened with it as one timeline."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, ActForm, ScopedModelAdmin, act
from accounts.types import Capability
from common.admin.times import time_column
from common.money import Money, format_money
from payments.admin.forms import RefundForm
from payments.models import HOLDING_STATES, Order, OrderState, OrderStatus
from payments.purposes import ItemDescription
from payments.selectors import items_of, shown_payment, with_details
from payments.services import refund_records
from payments.services.holds import close_quarantined
from payments.services.once import refund_once
from payments.services.returning import read_again
from payments.types import RequestRefund

_BADGES = {
    OrderStatus.PENDING: "info",
    OrderStatus.COMPLETED: "success",
    OrderStatus.FAILED: "danger",
    OrderStatus.EXPIRED: "",
    OrderStatus.CANCELLED: "",
    OrderStatus.REFUNDED: "warning",
    OrderStatus.PARTIALLY_REFUNDED: "warning",
    OrderStatus.DISPUTED: "danger",
}


# They add up: what is kept is what was paid without what went back and what was lost.
_SUMS = (("total_", "paid_"), ("refunded_", "going_back"), ("lost", "kept_"))


class TroubleFilter(admin.SimpleListFilter):
    """What people should look at."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the sorts of trouble."""
        return [
            ("quarantined", "Quarantined, waits for you"),
            ("was_quarantined", "Quarantined once, closed"),
            ("disputed", "Disputed, the bank decides"),
            ("lost", "Lost in a dispute"),
            ("late", "Paid without goods"),
            ("refunding", "Refund under way"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Keep the orders of the chosen sort."""
        conditions = {
            "quarantined": ~Q(quarantine_reason="") & Q(state__in=HOLDING_STATES),
            "was_quarantined": ~Q(quarantine_reason="") & ~Q(state__in=HOLDING_STATES),
            "disputed": Q(is_disputed=True),
            "lost": Q(lost_amount__gt=0),
            "late": Q(state=OrderState.LATE_PAID),
            "refunding": Q(refund_pending_amount__gt=0),
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


@admin.register(Order)
class OrderAdmin(ScopedModelAdmin):
    """Orders of one's organizations; nothing here is typed in, deeds are asked for by name."""

    organization_path = "organization"
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Orders come as people buy."
    list_display = ("number", "title", "buyer", "event", "shown_status", "total_", "refunded_", "placed")
    list_select_related = ("buyer", "event")
    list_filter = ("state", TroubleFilter, "created_at")
    date_hierarchy = "created_at"
    linked_filters = ("event",)
    change_form_after_template = "admin/payments/timeline.html"
    search_fields = (
        "number",
        "title",
        "buyer__email",
        "payments__session_id",
        "payments__payment_intent_id",
        "payments__charge_id",
    )
    search_help_text = "Order number, title, buyer or Stripe's id"
    ordering = ("-created_at", "-id")
    readonly_fields = (
        *(
            "standing",
            "number",
            "buyer",
            "event",
            "organization",
            "goods",
            "total_",
            "paid_",
            "refunded_",
        ),
        *("going_back", "lost", "kept_", "fees", "paid_with", "quarantine_reason"),
        *("placed", "held_until", "paid_on", "closed_on"),
    )
    fieldsets = (
        (None, {"fields": (("number", "standing"), ("buyer", "event"), "organization", "goods")}),
        (
            "Money",
            {"fields": (*_SUMS, ("fees", "paid_with"))},
        ),
        (
            "Standing",
            {"fields": ("quarantine_reason", ("placed", "held_until"), ("paid_on", "closed_on"))},
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave a quarantine's reason out where there was none."""
        if obj is None or obj.quarantine_reason:
            return self.fieldsets
        *before, (title, standing) = self.fieldsets
        return (*before, (title, {"fields": standing["fields"][1:]}))

    placed = time_column("created_at", "Placed", "event.zone")
    held_until = time_column("hold_expires_at", "Held until", "event.zone")
    paid_on = time_column("paid_at", "Paid at", "event.zone")
    closed_on = time_column("closed_at", "Closed at", "event.zone")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        """Load the order with its payments and refunds, through the scoped rows."""
        try:
            wanted = UUID(object_id)
        except ValueError:
            return None
        return with_details(self.get_queryset(request)).filter(pk=wanted).first()

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Any]:
        """Offer what fits the order's standing."""
        found = super().acts_for(request, obj)
        fits = {
            "refund": refund_records.most_refundable(obj)[1] > 0,
            "close_quarantined": obj.is_quarantined and obj.state in HOLDING_STATES,
        }
        return [one for one in found if fits.get(one.name, True)]

    def act_form(self, declared: Act, rows: list[Model], given: QueryDict | None) -> ActForm:
        """Tell the refund's form which order it is about."""
        order = rows[0]
        if declared.form is RefundForm and isinstance(order, Order):
            return RefundForm(given, order=order)
        return super().act_form(declared, rows, given)

    @act(
        "Refund",
        capability=Capability.REFUND,
        explain="The money goes back to the way it was paid; the buyer is told once Stripe has made it.",
        form=RefundForm,
        icon="undo",
        is_dangerous=True,
        on_many=False,
    )
    def refund(self, call: ActCall[Order]) -> str:
        """Give money back, in full or in part."""
        command = RequestRefund(
            order_id=call.subject.pk,
            amount=call.data["amount"],
            reason=call.reason,
            restock_units=call.data["restock_units"],
            actor=call.actor,
        )
        answer = refund_once(command, key=call.data["intent"], now=call.now)
        money = Money(answer["amount"]["amount"], call.subject.currency)
        units = answer["restock_units"]
        goods = (
            f"; {units} unit{'' if units == 1 else 's'} of the goods come{'s' if units == 1 else ''} back"
            if units
            else ""
        )
        return f"{format_money(money)} goes back to the buyer{goods}."

    @act(
        "Read again from Stripe",
        capability=Capability.VIEW_ORDERS,
        explain="Settles a stuck order: everything that Stripe knows of it is read and applied.",
        icon="sync",
    )
    def read_again(self, call: ActCall[Order]) -> str:
        """Apply what Stripe says now."""
        order = read_again(call.subject.pk, call.actor, now=call.now, reason=call.reason)
        return f"The order is {order.status.label.lower()}."

    @act(
        "Close quarantined order",
        capability=Capability.REFUND,
        explain="Releases the goods it still holds. What was paid is refunded apart from this.",
        icon="inventory",
        is_dangerous=True,
    )
    def close_quarantined(self, call: ActCall[Order]) -> str:
        """Release the goods of an order that was looked into."""
        close_quarantined(call.subject.pk, call.actor, reason=call.reason, now=call.now)
        return "Its goods are released."

    @display(description="Status", label=_BADGES)
    def shown_status(self, order: Order) -> tuple[str, str]:
        """Show the status as a badge; a quarantined order says so."""
        if order.is_quarantined:
            return OrderStatus.DISPUTED.value, "Quarantined"
        return order.status.value, _words(order)

    @admin.display(description="Status")
    def standing(self, order: Order) -> str:
        """Say the same in words, where no badge is drawn."""
        return "Quarantined" if order.is_quarantined else _words(order)

    @admin.display(description="Total", ordering="amount")
    def total_(self, order: Order) -> str:
        """Show what was asked."""
        return format_money(order.total)

    @admin.display(description="Paid")
    def paid_(self, order: Order) -> str:
        """Show what came in."""
        return format_money(Money(order.paid_amount, order.currency))

    @admin.display(description="Refunded", ordering="refunded_amount")
    def refunded_(self, order: Order) -> str:
        """Show what went back."""
        return format_money(order.refunded) if order.refunded_amount else "-"

    @admin.display(description="Refund under way")
    def going_back(self, order: Order) -> str:
        """Show what is going back."""
        return format_money(Money(order.refund_pending_amount, order.currency))

    @admin.display(description="Lost in disputes")
    def lost(self, order: Order) -> str:
        """Show what buyers' banks took for good."""
        return format_money(Money(order.lost_amount, order.currency))

    @admin.display(description="Kept")
    def kept_(self, order: Order) -> str:
        """Show what was paid and neither went back nor was lost."""
        return format_money(order.kept)

    @admin.display(description="Stripe's fees")
    def fees(self, order: Order) -> str:
        """Show what Stripe and banks asked for it, in the currency they asked it in."""
        sums: dict[str, int] = {}
        for entry in order.ledger.all():
            if entry.kind == "fee":
                sums[entry.currency] = sums.get(entry.currency, 0) - entry.amount
        return ", ".join(format_money(Money(amount, currency)) for currency, amount in sums.items()) or "-"

    @admin.display(description="Paid with")
    def paid_with(self, order: Order) -> str:
        """Show how it was paid, and where Stripe shows it."""
        payment = shown_payment(order)
        if payment is None:
            return "-"
        method = " ".join(
            filter(None, [payment.brand or payment.method_type, payment.last4 and f"•••• {payment.last4}"])
        )
        return " · ".join(filter(None, [payment.get_status_display(), method, payment.payment_intent_id]))

    @admin.display(description="Goods")
    def goods(self, order: Order) -> str:
        """Show what was bought, and how far it is."""
        items = items_of([order]).get(order.pk, [])
        return (
            "; ".join(f"{item.quantity} × {item.title}{_how_far(order, item)}" for item in items)
            or f"{order.quantity} × {order.title}"
        )


def _how_far(order: Order, item: ItemDescription) -> str:
    """Say whether the buyer has the goods; what came back is not theirs any more, whatever was delivered."""
    back = sum(refund.units_returned for refund in order.refunds.all())
    if "revoked_at" in item.fulfillment or back >= item.quantity:
        return " (taken back)"
    words = (item.fulfillment_status or "").replace("_", " ").lower()
    said = ", ".join(filter(None, [words, f"{back} taken back" if back else ""]))
    return f" ({said})" if said else ""


def _words(order: Order) -> str:
    """Say what a pending order waits for."""
    if order.status is OrderStatus.PENDING and order.state in HOLDING_STATES:
        return order.get_state_display()
    return str(order.status.label)
