"""GraphQL's errors, from the same problems as REST's."""

import logging
from typing import Any

from graphql import GraphQLError

from common.errors import Failure
from common.problems import extensions, problem_of
from common.problems.documents import Problem
from common.problems.translation import INTERNAL

_log = logging.getLogger(__name__)


class GraphQLInvalid(Failure):
    """The document or its variables do not fit the schema."""

    code = "graphql_invalid"
    title = "The GraphQL request is not valid"


class GraphQLTooComplex(Failure):
    """The document asks for more than one request may."""

    code = "graphql_too_complex"
    title = "The GraphQL request asks for too much at once"


def format_error(error: GraphQLError) -> dict[str, Any]:
    """Return one entry of ``errors``.

    A defect is logged with its trace and says nothing but the request id.
    """
    problem, message = _described(error)
    entry: dict[str, Any] = {"message": message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        entry["path"] = error.path
    entry["extensions"] = problem.as_extensions()
    return entry


def _described(error: GraphQLError) -> tuple[Problem, str]:
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    if original is None:
        # The library's own complaint: about the document, or about a value that breaks the schema's promise.
        return Problem.of(GraphQLInvalid(error.message)), error.message
    problem = problem_of(original)
    if problem is not None:
        return problem, problem.detail
    if error.path is None:
        # A scalar that could not read a variable: the caller's value, said by the library.
        return Problem.of(GraphQLInvalid(error.message)), error.message
    _log.error("unhandled exception in a resolver", exc_info=original)
    return INTERNAL, INTERNAL.title


def failure_entry(failure: Failure) -> dict[str, Any]:
    """Return an entry of ``errors`` for a request that was refused before it ran."""
    return {"message": failure.detail, "extensions": extensions(failure)}
