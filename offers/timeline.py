"""What the offers room has to say in an order's timeline: the goods, and what staff did about them."""

from collections.abc import Iterator

from common import audit
from common.admin.times import time_words
from offers.models import Fulfillment
from offers.services.names import PURPOSE
from payments.models import Order
from payments.timeline import Entry, register, staff_act


@register
def goods(order: Order) -> Iterator[Entry]:
    """Say when the goods were owed, given and taken back, and by whom of the staff. Two queries."""
    if order.purpose != PURPOSE:
        return
    fulfillment = (
        Fulfillment.objects.select_related("offer__event").filter(purchase_id=order.purpose_id).first()
    )
    if fulfillment is None:
        return
    trouble = fulfillment.failure or fulfillment.note
    yield Entry(
        fulfillment.created_at, "fulfilment", "Goods owed", trouble, is_trouble=bool(fulfillment.failure)
    )
    if fulfillment.fulfilled_at:
        yield Entry(fulfillment.fulfilled_at, "fulfilment", "Goods given", _given(fulfillment))
    if fulfillment.revoked_at:
        yield Entry(fulfillment.revoked_at, "fulfilment", "Goods taken back")
    for act in audit.history_of(fulfillment):
        yield staff_act(act)


def _given(fulfillment: Fulfillment) -> str:
    # Never the access code: the page is for staff.
    if fulfillment.tracking_number:
        return f"{fulfillment.carrier} {fulfillment.tracking_number}"
    if fulfillment.appointment_at:
        return f"Appointment on {time_words(fulfillment.appointment_at, fulfillment.offer.event.zone)}"
    return ""
