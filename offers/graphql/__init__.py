"""The offers room on GraphQL."""

from offers.graphql.mutations import Mutation
from offers.graphql.queries import Query
from offers.graphql.types import ENTITIES

__all__ = ["ENTITIES", "Mutation", "Query"]
