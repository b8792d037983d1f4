"""Changing and buying offers: the same services as REST."""

from typing import Any

import graphene

from common import clock
from common.graphql import an_id
from common.rest import client_network
from offers.graphql.inputs import CreateOfferInput, UpdateOfferInput, offer_input
from offers.graphql.queries import caller
from offers.graphql.types import OfferObject
from offers.models import Offer
from offers.selectors import catalog as reading
from offers.services import catalog
from offers.services.purchase import purchase_offer
from offers.types import PurchaseOffer
from payments.graphql import PurchaseResultType
from payments.types import PurchaseAnswer


class CreateOffer(graphene.Mutation):
    """Create an offer of an event that the caller manages."""

    class Arguments:
        """One input."""

        input = CreateOfferInput(required=True)

    Output = OfferObject

    @staticmethod
    def mutate(root: None, info: Any, input: CreateOfferInput) -> Offer:  # noqa: A002 the contract's name
        """Create it and return it."""
        caller(info)
        now, event_id = clock.now(), an_id(input["event_id"], "event_id")
        offer = catalog.create_offer(info.context.actor, event_id, offer_input(input), now=now)
        return reading.offer_for(info.context.actor, offer.pk, now=now)


class UpdateOffer(graphene.Mutation):
    """Change the named fields of an offer."""

    class Arguments:
        """One input, which names the offer."""

        input = UpdateOfferInput(required=True)

    Output = OfferObject

    @staticmethod
    def mutate(root: None, info: Any, input: UpdateOfferInput) -> Offer:  # noqa: A002 the contract's name
        """Change it and return it."""
        caller(info)
        now, offer_id = clock.now(), an_id(input["id"], "id")
        catalog.update_offer(info.context.actor, offer_id, offer_input(input), now=now)
        return reading.offer_for(info.context.actor, offer_id, now=now)


class DeleteOffer(graphene.Mutation):
    """Archive an offer: it is not sold any more, and kept for what was bought."""

    class Arguments:
        """Which offer."""

        id = graphene.ID(required=True)

    Output = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def mutate(root: None, info: Any, id: str) -> bool:  # noqa: A002 the contract's name
        """Archive it; true also when it was before."""
        caller(info)
        catalog.archive_offer(info.context.actor, an_id(id, "id"), now=clock.now())
        return True


class PurchaseOfferMutation(graphene.Mutation):
    """Hold units of an offer and answer where to pay; the ``Idempotency-Key`` header counts as on REST."""

    class Arguments:
        """What to buy."""

        offer_id = graphene.ID(required=True)
        quantity = graphene.Int(default_value=1, required=True)
        ticket_id = graphene.ID(description="Which ticket an upgrade moves, if there are several.")

    Output = PurchaseResultType

    @staticmethod
    def mutate(
        root: None, info: Any, offer_id: str, quantity: int, ticket_id: str | None = None
    ) -> PurchaseAnswer:
        """Buy."""
        user = caller(info)
        wish = PurchaseOffer(
            offer_id=an_id(offer_id, "offer_id"),
            quantity=quantity,
            ticket_id=None if ticket_id is None else an_id(ticket_id, "ticket_id"),
            buyer_id=user.pk,
            buyer_email=user.email,
            key=info.context.headers.get("Idempotency-Key"),
            network=client_network(info.context),
        )
        return purchase_offer(wish, now=clock.now())


class Mutation:
    """The offers' part of Mutation."""

    create_offer = CreateOffer.Field()
    update_offer = UpdateOffer.Field()
    delete_offer = DeleteOffer.Field()
    purchase_offer = PurchaseOfferMutation.Field()
