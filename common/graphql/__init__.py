"""The GraphQL door: view, limits, the fields a query asks for, errors."""

from common.graphql.arguments import an_id, value_of
from common.graphql.selections import wanted
from common.graphql.view import GraphQLView

__all__ = ["GraphQLView", "an_id", "value_of", "wanted"]
