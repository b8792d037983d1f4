"""A small GraphQL schema for the tests of the door itself."""

import graphene

from common.errors import Conflict, FieldError, Invalid, Unauthenticated
from common.graphql import wanted

calls: list[str] = []


class SoldOut(Conflict):
    code = "sold_out"
    title = "Sold out"


class Inventory(graphene.ObjectType):
    total = graphene.Int()
    sold = graphene.Int()


class Offer(graphene.ObjectType):
    id = graphene.ID()
    title = graphene.String()
    offer_type = graphene.String()
    inventory = graphene.Field(Inventory)
    related = graphene.List(lambda: Offer, limit=graphene.Int())
    others = graphene.List(lambda: Offer, limit=graphene.Int(required=True, default_value=5))

    def resolve_related(self, info, limit=None):
        return []


class OfferPage(graphene.ObjectType):
    count = graphene.Int()
    results = graphene.List(Offer)


class Query(graphene.ObjectType):
    hello = graphene.String(name=graphene.String())
    offers = graphene.Field(OfferPage, limit=graphene.Int(default_value=50), offset=graphene.Int())
    selected = graphene.Field(Offer)
    selection = graphene.JSONString()
    who = graphene.String()
    boom = graphene.String()
    number = graphene.Int()
    sold_out = graphene.String()
    invalid = graphene.String()
    members_only = graphene.String()

    def resolve_hello(self, info, name="you"):
        return f"hello {name}"

    def resolve_offers(self, info, limit, offset=0):
        return OfferPage(count=0, results=[])

    def resolve_selected(self, info):
        Query.last_wanted = wanted(info)
        return Offer(id="1", title="T", inventory=Inventory(total=1, sold=0))

    def resolve_who(self, info):
        return info.context.actor.label

    def resolve_boom(self, info):
        raise RuntimeError("password=hunter2")

    def resolve_number(self, info):
        return "not a number"

    def resolve_sold_out(self, info):
        raise SoldOut("None are left.", retry_after=3)

    def resolve_invalid(self, info):
        raise Invalid(errors=[FieldError("items[1].unit_price", "too_low", "Too low.")])

    def resolve_members_only(self, info):
        raise Unauthenticated


class Remember(graphene.Mutation):
    class Arguments:
        text = graphene.String(required=True)

    ok = graphene.Boolean()

    def mutate(self, info, text):
        calls.append(text)
        return Remember(ok=True)


class Mutation(graphene.ObjectType):
    remember = Remember.Field()


schema = graphene.Schema(query=Query, mutation=Mutation)
