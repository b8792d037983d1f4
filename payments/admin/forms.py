"""What the refund act asks."""

from typing import Any
from uuid import uuid4

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import ActForm
from common.errors import Invalid
from common.money import NotMoney, parse_decimal


def _new_intent() -> str:
    return str(uuid4())


class RefundForm(ActForm):
    """How much goes back, and how many units come back; empty for all of it, and by rule."""

    amount = forms.CharField(
        required=False,
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="In the order's currency, such as 19.99. Empty: all that is left.",
    )
    restock_units = forms.IntegerField(
        required=False,
        min_value=0,
        label="Units that come back",
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: none for an amount; all when everything goes back for goods nobody has yet.",
    )
    # One form, one refund: sending it twice (a double click, a reload) finds the first.
    intent = forms.CharField(initial=_new_intent, widget=forms.HiddenInput, label="", max_length=64)
    field_order = ("amount", "restock_units", "reason", "intent")


def minor_units(data: dict[str, Any], currency: str) -> int | None:
    """Return the form's amount in minor units, None when it is empty.

    Raises ``Invalid`` naming ``amount``.
    """
    text = (data.get("amount") or "").strip()
    if not text:
        return None
    try:
        return parse_decimal(text, currency).amount
    except NotMoney as error:
        raise Invalid.field("amount", "not_a_price", str(error)) from error
