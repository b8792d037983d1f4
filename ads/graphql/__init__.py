"""The ads room on GraphQL."""

from ads.graphql.sponsors import Mutation, Query

__all__ = ["Mutation", "Query"]
