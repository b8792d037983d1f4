"""The GraphQL door: view, limits, the fields a query asks for, errors."""

from common.graphql.selections import wanted
from common.graphql.view import GraphQLView

__all__ = ["GraphQLView", "wanted"]
