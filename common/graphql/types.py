"""GraphQL types that every room shares."""

from typing import Any

import graphene
from graphql import GraphQLError

from common.money import Money

# PostgreSQL: bigint. JSON has whole numbers of this size; JavaScript's are exact to 2**53.
LARGEST = 2**63 - 1


class BigInt(graphene.BigInt):
    """A whole number that may pass the 32 bits of ``Int``."""

    @staticmethod
    def parse_value(value: Any) -> int:
        """Read a variable. Unlike the library's own, raises for what is not whole, instead of rounding it."""
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
            raise GraphQLError(
                f"BigInt cannot represent {value!r}: it is no whole number of at most 64 bits."
            )
        return value

    @staticmethod
    def parse_literal(node: Any, variables: dict[str, Any] | None = None) -> Any:
        """Read a number of the document."""
        number = graphene.BigInt.parse_literal(node, variables)
        return BigInt.parse_value(number) if isinstance(number, int) else number


def count_field(description: str | None = None, *, required: bool = True) -> BigInt:
    """Return a field for a count that grows with what is tracked."""
    return BigInt(required=required, description=description)


class MoneyType(graphene.ObjectType):
    """A total, refund or revenue, in minor units of its currency."""

    class Meta:
        name = "Money"

    # GraphQL's own Int ends at 2,147,483,647, which is 21 million dollars.
    amount = BigInt(required=True, description="In minor units.")
    currency = graphene.String(required=True)


def money(value: Money) -> MoneyType:
    """Return an amount as GraphQL answers it."""
    return MoneyType(amount=value.amount, currency=value.currency)
