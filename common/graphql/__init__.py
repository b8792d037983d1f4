"""The GraphQL door: view, limits, the fields a query asks for, errors."""

from common.graphql.arguments import an_id, value_of
from common.graphql.federation import Entity
from common.graphql.selections import Wanted, wanted
from common.graphql.view import GraphQLView

__all__ = ["Entity", "GraphQLView", "Wanted", "an_id", "value_of", "wanted"]
