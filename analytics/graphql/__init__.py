"""Analytics on GraphQL."""

from analytics.graphql.experiments import ExperimentsQuery
from analytics.graphql.queries import Query as FiguresQuery


class Query(FiguresQuery, ExperimentsQuery):
    """Analytics' part of Query."""


__all__ = ["Query"]
