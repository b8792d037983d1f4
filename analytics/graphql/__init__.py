"""Analytics on GraphQL."""

from analytics.graphql.queries import Query

__all__ = ["Query"]
