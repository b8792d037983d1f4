"""GraphQL over HTTP: JSON by POST, executed synchronously on the request's own connection."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import graphene
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_variable_values

from common.errors import Failure
from common.graphql.errors import GraphQLInvalid, failure_entry, format_error
from common.graphql.limits import (
    MAXIMUM_COMMENTS,
    MAXIMUM_SOURCE,
    MAXIMUM_TOKENS,
    Limits,
    check_limits,
    check_values,
)
from common.problems import problem_response, status_of
from common.types import ANONYMOUS

_MAXIMUM_ERRORS = 20
_READ_DOCUMENTS = 256


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation, as the caller sent it."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


class _Refused(Exception):
    """The document is not valid; carries the library's errors."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = errors


@method_decorator(csrf_exempt, name="dispatch")
class GraphQLView(View):
    """The endpoint: ``GraphQLView.as_view(schema=schema)``.

    Who calls is told by the bearer token alone, so there is nothing for CSRF to abuse. Resolvers see the
    ``HttpRequest`` as ``info.context``, with ``actor`` and ``user_account`` set by the function that
    ``settings.GRAPHQL_ACTOR_RESOLVER`` names: ``(request) -> (Actor, user or None)``.
    """

    schema: graphene.Schema | None = None
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer one operation: 200 with ``data``, 400 when it did not run, 401 for a bad token."""
        try:
            asked = read_request(request)
        except Failure as failure:
            return problem_response(failure)
        identify(request)
        try:
            result = self._run(request, asked)
        except Failure as failure:
            return _answer({"errors": [failure_entry(failure)]}, status_of(failure.kind))
        except _Refused as refused:
            return _answer({"errors": [format_error(error) for error in refused.errors]}, 400)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [format_error(error) for error in result.errors]
        return _answer(body, 200)

    def _run(self, request: HttpRequest, asked: GraphQLRequest) -> ExecutionResult:
        assert self.schema is not None, "as_view() was given no schema"  # noqa: S101 a mistake in the URLconf
        schema: GraphQLSchema = self.schema.graphql_schema
        document = _read_document(schema, asked.query, bool(settings.GRAPHQL_INTROSPECTION))
        operation = get_operation_ast(document, asked.operation_name)
        if operation is None:
            raise GraphQLInvalid("Name the operation to run with operationName.")
        if schema.get_root_type(operation.operation) is None:
            raise GraphQLInvalid(f"There are no {operation.operation.value}s here.")
        check_values(document, asked.variables)
        check_limits(schema, document, operation, _coerced(schema, operation, asked), Limits.from_settings())
        result = execute(
            schema,
            document,
            context_value=request,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
        )
        assert isinstance(result, ExecutionResult), "a resolver is a coroutine"  # noqa: S101
        return result


def read_request(request: HttpRequest) -> GraphQLRequest:
    """Read the body; raises ``GraphQLInvalid`` for what is not one operation as JSON."""
    if request.content_type != "application/json":
        raise GraphQLInvalid("Send the operation as application/json.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise GraphQLInvalid("The body is not JSON.") from error
    if isinstance(body, list):
        raise GraphQLInvalid("Send one operation at a time; batches are not answered.")
    if not isinstance(body, dict):
        raise GraphQLInvalid("The body is not a JSON object.")
    query, variables, name = body.get("query"), body.get("variables") or {}, body.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise GraphQLInvalid("The body has no query.")
    if not isinstance(variables, dict) or not isinstance(name, str | None):
        raise GraphQLInvalid("variables is an object and operationName a string.")
    return GraphQLRequest(query, variables, name)


def identify(request: HttpRequest) -> None:
    """Set ``actor`` and ``user_account`` on the request.

    Raises ``Unauthenticated`` for a token that is wrong.
    """
    path = getattr(settings, "GRAPHQL_ACTOR_RESOLVER", "")
    actor, user = import_string(path)(request) if path else (ANONYMOUS, None)
    request.actor = actor  # type: ignore[attr-defined]
    request.user_account = user  # type: ignore[attr-defined]


@lru_cache(maxsize=_READ_DOCUMENTS)
def _read_document(schema: GraphQLSchema, query: str, introspection: bool) -> DocumentNode:
    """Parse and validate.

    Front ends send the same few documents, so the result is kept (refusals are not).
    """
    try:
        document = parse(
            query,
            max_lexical_tokens=MAXIMUM_TOKENS,
            max_comments=MAXIMUM_COMMENTS,
            max_source_length=MAXIMUM_SOURCE,
        )
    except GraphQLError as error:
        raise _Refused([error]) from error
    rules = specified_rules if introspection else [*specified_rules, NoSchemaIntrospectionCustomRule]
    errors = validate(schema, document, rules, max_errors=_MAXIMUM_ERRORS, hide_suggestions=not introspection)
    if errors:
        raise _Refused(errors)
    return document


def _coerced(
    schema: GraphQLSchema, operation: OperationDefinitionNode, asked: GraphQLRequest
) -> dict[str, Any]:
    values = get_variable_values(
        schema, operation.variable_definitions or (), asked.variables, max_errors=_MAXIMUM_ERRORS
    )
    if isinstance(values, list):
        raise _Refused(values)
    return values


def _answer(body: dict[str, Any], status: int) -> HttpResponse:
    return JsonResponse(body, status=status)
