"""Money at the door."""

from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.money import Money, NotMoney, decimal_string, plain_decimal


@extend_schema_field(
    {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$", "example": "19.99"}
)
class DecimalPriceField(serializers.Field[str, Any, str, Any]):
    """A price as a plain decimal string beside a ``currency`` field.

    Coming in, only the notation is checked and the text is handed on: how many decimals are right depends
    on the currency, so the service reads it with ``common.money.parse_decimal``. Going out, ``Money``
    becomes ``19.99``.
    """

    def to_internal_value(self, data: Any) -> str:
        """Return the decimal as plain text; anything else is a field error."""
        try:
            return plain_decimal(data)
        except NotMoney as error:
            raise serializers.ValidationError(str(error), code="not_a_price") from error

    def to_representation(self, value: Money | str) -> str:
        """Return the price with as many decimals as its currency has."""
        return decimal_string(value) if isinstance(value, Money) else value


class WholeNumberField(serializers.IntegerField):
    """A whole number whose bounds are described here and held, and told to callers, by the service."""

    def __init__(self, *, lowest: int, highest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        set_override(self, "field", {"type": "integer", "minimum": lowest, "maximum": highest})


class PriceTextField(DecimalPriceField):
    """A price coming in: texts go to the service unread, so that it names all wrong fields at once."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text; what is no text is read, or refused, here."""
        return data if isinstance(data, str) else super().to_internal_value(data)


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "amount": {"type": "integer", "description": "Minor units", "example": 1999},
            "currency": {"type": "string", "example": "USD"},
        },
        "required": ["amount", "currency"],
    }
)
class MoneyField(serializers.Field[Money, Any, dict[str, int | str], Any]):
    """A total, refund or revenue, going out: ``{"amount": 1999, "currency": "USD"}`` in minor units."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Money) -> dict[str, int | str]:
        """Return amount and currency."""
        return value.as_json()
