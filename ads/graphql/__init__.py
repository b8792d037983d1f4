"""The ads room on GraphQL."""

from ads.graphql.ads import ENTITIES, AdsMutation, AdsQuery
from ads.graphql.performance import PerformanceQuery
from ads.graphql.redeeming import RedeemingMutation
from ads.graphql.serving import ServingQuery
from ads.graphql.sponsors import Mutation as SponsorsMutation
from ads.graphql.sponsors import Query as SponsorsQuery


class Query(SponsorsQuery, ServingQuery, AdsQuery, PerformanceQuery):
    """The ads' part of Query."""


class Mutation(SponsorsMutation, AdsMutation, RedeemingMutation):
    """The ads' part of Mutation."""


__all__ = ["ENTITIES", "Mutation", "Query"]
