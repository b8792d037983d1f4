"""GraphQL types that every room shares."""

import graphene

from common.money import Money


def count_field(description: str | None = None, *, required: bool = True) -> graphene.BigInt:
    """Return a field for a count that grows with what is tracked."""
    return graphene.BigInt(required=required, description=description)


class MoneyType(graphene.ObjectType):
    """A total, refund or revenue, in minor units of its currency."""

    class Meta:
        name = "Money"

    # GraphQL's own Int ends at 2,147,483,647, which is 21 million dollars.
    amount = graphene.BigInt(required=True, description="In minor units.")
    currency = graphene.String(required=True)


def money(value: Money) -> MoneyType:
    """Return an amount as GraphQL answers it."""
    return MoneyType(amount=value.amount, currency=value.currency)
