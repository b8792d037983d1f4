"""The root of ``/graphql``: each app brings its part of Query and Mutation."""

import graphene

from accounts import graphql as accounts
from ads import graphql as ads
from analytics import graphql as analytics
from common.graphql.federation import entities_field, service_field
from events import graphql as events
from offers import graphql as offers
from payments import graphql as payments
from tickets import graphql as tickets
from waitlist import graphql as waitlist

# What other subgraphs may refer to: docs/federation.md.
_ENTITIES = (
    *events.ENTITIES,
    *offers.ENTITIES,
    *ads.ENTITIES,
    *payments.ENTITIES,
    *accounts.ENTITIES,
)


class Query(
    accounts.Query,
    events.Query,
    offers.Query,
    payments.Query,
    tickets.Query,
    waitlist.Query,
    ads.Query,
    analytics.Query,
    graphene.ObjectType,
):
    """What can be asked."""

    entities = entities_field(_ENTITIES)
    service = service_field(entities=_ENTITIES, shareable={"Money"})


class Mutation(
    events.Mutation,
    offers.Mutation,
    payments.Mutation,
    tickets.Mutation,
    waitlist.Mutation,
    ads.Mutation,
    graphene.ObjectType,
):
    """What can be done."""


schema = graphene.Schema(query=Query, mutation=Mutation)
