"""Tickets on GraphQL."""

from tickets.graphql.mutations import Mutation
from tickets.graphql.queries import Query

__all__ = ["Mutation", "Query"]
