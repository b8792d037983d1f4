"""What buyers are still to get: one queue for parcels, one for appointments, and everything in one list."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Case, IntegerField, Model, QuerySet, Value, When
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.timesince import timesince
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, ActForm, ScopedModelAdmin, act
from accounts.types import Capability
from common import clock
from common.admin.links import link_to
from common.admin.times import time_column, time_words
from offers.admin.deliveries import AppointmentForm, RowsForm, ShippingForm
from offers.admin.queues import queue_filter
from offers.admin.words import COLOURS, standing_of
from offers.models import (
    Fulfillment,
    FulfillmentStatus,
    MerchandiseFulfillment,
    OfferType,
    ServiceFulfillment,
)
from offers.services import staff_fulfilment

_WAITING = (FulfillmentStatus.PENDING_MANUAL, FulfillmentStatus.PROCESSING, FulfillmentStatus.FAILED)
_OPEN = (*_WAITING, FulfillmentStatus.PENDING)


class FulfillmentScreen(ScopedModelAdmin):
    """What the three lists share. What waits for staff stands first, the longest waiting on top."""

    organization_path = "offer__event__organization"
    view_capability = Capability.VIEW_ORDERS
    list_display = [
        "shown_offer",
        "buyer",
        "units",
        "shown_status",
        "waiting_since",
        "order_link",
    ]
    list_filter = ["status"]
    fields = readonly_fields = (
        "shown_offer", "buyer", "units", "shown_status", "access_code", "access_url", "carrier", "tracking_number",
        "appointment", "note", "failure", "revoked", "owed_since", "fulfilled", "order_link",
    )  # fmt: skip
    search_fields = ("purchase__user__email", "purchase__order__number", "offer__title", "tracking_number")
    search_help_text = "Buyer, order number, offer or tracking number"

    appointment = time_column("appointment_at", "Appointment", "offer.event.zone")
    revoked = time_column("revoked_at", "Taken back", "offer.event.zone")
    owed_since = time_column("created_at", "Owed since", "offer.event.zone")
    fulfilled = time_column("fulfilled_at", "Fulfilled", "offer.event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch everything a row shows along with it."""
        related = ("offer__event__organization", "purchase__user", "purchase__order")
        return super().get_queryset(request).select_related(*related)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Order by what waits, then by age."""
        waits_first = Case(
            When(status__in=_WAITING, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
        return (waits_first.asc(), "created_at", "id")

    def act_form(self, declared: Act, rows: list[Model], given: QueryDict | None) -> ActForm:
        """Ask of each row what the act needs to know of it."""
        if issubclass(declared.form, RowsForm):
            return declared.form(given, rows=[row for row in rows if isinstance(row, Fulfillment)])
        return super().act_form(declared, rows, given)

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the state."""
        fitting = {"retry"} if obj.status in {"FAILED", "CANCELLED"} else set()
        if obj.status in {FulfillmentStatus.PENDING_MANUAL, FulfillmentStatus.PROCESSING}:
            fitting |= {"ship"} if obj.offer.offer_type == OfferType.MERCHANDISE else {"set_appointment"}
        if obj.status == FulfillmentStatus.PENDING_MANUAL:
            fitting.add("start_work")
        return [one for one in super().acts_for(request, obj) if one.name in fitting]

    @admin.display(description="Offer", ordering="offer__title")
    def shown_offer(self, row: Fulfillment) -> str:
        """Name the offer."""
        return row.offer.title

    @admin.display(description="Buyer", ordering="purchase__user__email")
    def buyer(self, row: Fulfillment) -> str:
        """Name the buyer."""
        return row.purchase.user.email

    @admin.display(description="Units")
    def units(self, row: Fulfillment) -> int:
        """Count what is to be given."""
        return row.purchase.sold_units

    @display(description="Status", label=COLOURS)
    def shown_status(self, row: Fulfillment) -> str:
        """Show the status in words."""
        return standing_of(row)

    @admin.display(description="Waiting", ordering="created_at")
    def waiting_since(self, row: Fulfillment) -> str:
        """Say for how long the buyer has been waiting."""
        if row.status not in _OPEN:
            return "-"
        now = clock.now()
        return timesince(row.created_at, now) if now - row.created_at > timedelta(minutes=1) else "just now"

    @admin.display(description="Order")
    def order_link(self, row: Fulfillment) -> str:
        """Lead to the order."""
        order = row.purchase.order
        return link_to(reverse("admin:payments_order_change", args=[order.pk]), order.number)

    @act(
        "Take in hand",
        capability=Capability.FULFIL,
        icon="back_hand",
        explain="Colleagues see that you are on it.",
    )
    def start_work(self, call: ActCall[Fulfillment]) -> str:
        """Mark it as being worked on."""
        staff_fulfilment.start_work(call.actor, call.subject.purchase_id, reason=call.reason, now=call.now)
        return "In hand."

    @act("Try again", capability=Capability.FULFIL, icon="refresh")
    def retry(self, call: ActCall[Fulfillment]) -> str:
        """Take a failed one up again."""
        staff_fulfilment.retry(call.actor, call.subject.purchase_id, reason=call.reason, now=call.now)
        return "Taken up again."


@admin.register(Fulfillment)
class FulfillmentAdmin(FulfillmentScreen):
    """Everything that was sold, and whether the buyer has it."""

    nothing_here = "What is sold is owed to its buyers; it stands here until they have it, and after."
    list_filter = ["status", "offer__offer_type"]


@admin.register(MerchandiseFulfillment)
class MerchandiseAdmin(FulfillmentScreen):
    """Parcels to send; those that were sent are behind the filter."""

    nothing_title = "Nothing to send"
    nothing_here = "No parcel waits to be sent. Those that were sent are under the filter “Sent”."
    list_filter = [queue_filter("Sent")]
    list_display = [*FulfillmentScreen.list_display, "carrier", "tracking_number"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Keep merchandise."""
        return super().get_queryset(request).filter(offer__offer_type=OfferType.MERCHANDISE)

    @act("Mark as sent", capability=Capability.FULFIL, form=ShippingForm, icon="local_shipping",
         explain="The buyer is told carrier and tracking number by e-mail.")  # fmt: skip
    def ship(self, call: ActCall[Fulfillment]) -> str:
        """Record carrier and tracking number."""
        carrier, number = call.data["carrier"], call.data[ShippingForm.name_of(call.subject)]
        staff_fulfilment.ship(
            call.actor, call.subject.purchase_id, carrier=carrier, tracking_number=number, reason=call.reason,
            now=call.now,
        )  # fmt: skip
        return f"Sent with {carrier}, {number}."


@admin.register(ServiceFulfillment)
class ServiceAdmin(FulfillmentScreen):
    """Appointments to set; those that were set are behind the filter."""

    nothing_title = "Nothing to set"
    nothing_here = "No appointment waits to be set. Those that were set are under the filter “Set”."
    list_filter = [queue_filter("Set")]
    list_display = [*FulfillmentScreen.list_display, "appointment"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Keep services."""
        return super().get_queryset(request).filter(offer__offer_type=OfferType.SERVICE)

    @act("Set appointment", capability=Capability.FULFIL, form=AppointmentForm, icon="event_available",
         explain="The buyer is told the time by e-mail.")  # fmt: skip
    def set_appointment(self, call: ActCall[Fulfillment]) -> str:
        """Record the time."""
        when = call.data[AppointmentForm.name_of(call.subject)]
        staff_fulfilment.set_appointment(
            call.actor, call.subject.purchase_id, appointment_at=when, reason=call.reason, now=call.now
        )
        return f"Set for {time_words(when, call.subject.offer.event.zone)}."
