"""What the acts of delivering ask: one field of each row, and a reason for all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin_base import ActForm
from common import clock
from common.admin.times import read_in
from offers.models import Fulfillment
from offers.services import staff_fulfilment


class RowsForm(ActForm):
    """Asks something of each row, in a field that carries the row's id."""

    asks = ""

    def __init__(self, *args: Any, rows: Sequence[Fulfillment] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        for row in rows:
            self.fields[self.name_of(row)] = self.field_of(row)
        self.order_fields([name for name in self.fields if name != "reason"])

    @classmethod
    def name_of(cls, row: Fulfillment) -> str:
        """Return the name of the row's field."""
        return f"{cls.asks}_{row.pk}"

    def field_of(self, row: Fulfillment) -> forms.Field:
        """Return what is asked of the row."""
        raise NotImplementedError

    def label_of(self, row: Fulfillment, what: str) -> str:
        """Say of which row the field is."""
        return f"{what}: {row}, {row.purchase.user.email}"


class ShippingForm(RowsForm):
    """With whom the parcels go, and how each buyer follows theirs."""

    asks = "tracking_number"
    carrier = forms.CharField(
        max_length=staff_fulfilment.MAXIMUM_CARRIER, widget=UnfoldAdminTextInputWidget()
    )

    def field_of(self, row: Fulfillment) -> forms.Field:
        """Ask for the parcel's number."""
        return forms.CharField(
            max_length=staff_fulfilment.MAXIMUM_TRACKING,
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            label=self.label_of(row, "Tracking number"),
        )


class _LocalTimeInput(UnfoldAdminTextInputWidget):
    input_type = "datetime-local"


class AppointmentForm(RowsForm):
    """When each buyer is expected, as the clocks at the event say it."""

    asks = "appointment_at"

    def field_of(self, row: Fulfillment) -> forms.Field:
        """Ask for the buyer's time."""
        return forms.DateTimeField(
            widget=_LocalTimeInput(),
            label=self.label_of(row, "Appointment"),
            help_text=f"In the future; as clocks at the event say: {row.offer.event.time_zone}.",
        )

    def clean(self) -> dict[str, Any]:
        """Read each time at its event; it is in the future."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for row in self.rows:
            name = self.name_of(row)
            if name not in data:
                continue
            try:
                data[name] = _in_future(data[name], row)
            except ValidationError as error:
                self.add_error(name, error)
        return data


def _in_future(read: datetime, row: Fulfillment) -> datetime:
    appointment = read_in(row.offer.event.zone, read)
    if appointment <= clock.now():
        raise ValidationError("The appointment has to be in the future.")
    return appointment
