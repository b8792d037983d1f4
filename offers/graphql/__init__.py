"""The offers room on GraphQL."""

from offers.graphql.mutations import Mutation
from offers.graphql.queries import Query

__all__ = ["Mutation", "Query"]
