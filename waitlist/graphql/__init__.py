"""The waitlist on GraphQL."""

from waitlist.graphql.mutations import Mutation
from waitlist.graphql.queries import Query

__all__ = ["Mutation", "Query"]
