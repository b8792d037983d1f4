"""What the refund act asks."""

from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import ActForm
from common.errors import Failure
from common.idempotency.errors import IdempotencyMismatch, InProgress
from common.money import Money, NotMoney, decimal_string, format_money, parse_decimal
from payments.models import Order
from payments.purposes import purpose_of
from payments.services import refund_records


def _new_intent() -> str:
    return str(uuid4())


class RefundForm(ActForm):
    """How much goes back, and whether the goods come back; both are said, nothing is guessed."""

    amount = forms.CharField(
        label="How much goes back",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    # Which numbers will do is the service's to say: a double click finds the first refund, whatever is left by then.
    restock_units = forms.IntegerField(
        label="Take goods back?",
        min_value=0,
        widget=UnfoldAdminSelectWidget(),
        error_messages={"required": "Say whether the goods come back."},
    )
    # One form, one refund: sending it twice (a double click, a reload) finds the first.
    intent = forms.CharField(initial=_new_intent, widget=forms.HiddenInput, max_length=64)
    field_order = ("amount", "restock_units", "reason", "intent")

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order
        left = Money(_left(order), order.currency)
        self.fields["amount"].initial = decimal_string(left)
        self.fields["amount"].help_text = f"In {order.currency}; {format_money(left)} is left to refund."
        units: Any = self.fields["restock_units"]
        units.help_text = (
            "The buyer has the goods already." if purpose_of(order).is_fulfilled(order)
            else "The buyer does not have the goods yet; taking them all back stops the delivery."
        )  # fmt: skip
        units.widget.choices = _answers(order)

    def facts(self) -> list[tuple[str, str]]:
        """Say what was paid, what went back, what is going back, what was lost and what is left."""
        order = self.order
        shown = [
            ("Paid", order.paid_amount),
            ("Refunded", order.refunded_amount),
            ("Refund under way", order.refund_pending_amount),
            *([("Lost in disputes", order.lost_amount)] if order.lost_amount else []),
            ("Left", _left(order)),
        ]
        return [(name, format_money(Money(amount, order.currency))) for name, amount in shown]

    def refused(self, refusal: Failure | ValidationError) -> None:
        """Let a corrected form be another refund, for nothing came of this; not where a first may be under way."""
        if isinstance(refusal, IdempotencyMismatch):
            self.add_error(None, "A refund was asked for by this page already. Open the order to see it.")
            return
        super().refused(refusal)
        if not isinstance(refusal, InProgress):
            self.data = {**dict(self.data.items()), "intent": _new_intent()}

    def clean_amount(self) -> int:
        """Read the amount, in minor units; it is more than nothing."""
        text, currency = self.cleaned_data["amount"].strip(), self.order.currency
        example = decimal_string(Money(550, currency))
        try:
            # Of what is below nothing the sign is what is wrong, whatever else: the amount is read without it.
            amount = parse_decimal(
                text.removeprefix("-"), currency, wanted=f"the amount as a decimal such as {example}"
            ).amount
        except NotMoney as error:
            raise ValidationError(str(error), code="not_an_amount") from error
        if text.startswith("-") or not amount:
            raise ValidationError("More than nothing goes back.", code="too_small")
        return amount

    def clean(self) -> dict[str, Any]:
        """Say at once that more goes back than is left, where something else is wrong too.

        The service says it otherwise: of a form that was sent twice it finds the first refund, whatever is left.
        """
        data: dict[str, Any] = super().clean() or self.cleaned_data
        left = _left(self.order)
        if self.errors and data.get("amount", 0) > left:
            most = format_money(Money(left, self.order.currency))
            self.add_error("amount", ValidationError(f"At most {most} is left to refund.", code="too_large"))
        return data


def _left(order: Order) -> int:
    """Return what one refund can give back: of two payments the one of which more is left."""
    return refund_records.most_refundable(order)[1]


def _answers(order: Order) -> list[tuple[str, str]]:
    most = max(0, purpose_of(order).units_sold(order) - refund_records.units_promised(order))
    keeps = ("0", "No, the buyer keeps them" if most else "No, none are left to take back")
    some = [(str(units), f"Yes, {units} of {most} units") for units in range(1, most)]
    every = [(str(most), f"Yes, all {most} units" if most > 1 else "Yes, the one unit")] if most else []
    return [("", "Choose…"), keeps, *some, *every]
