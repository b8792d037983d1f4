"""Which query parameters an address takes: those that its description declares, and no others."""

from collections.abc import Iterator

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from common.rest.text import unreadable_values


def refuse_unknown(request: Request, *also: str) -> None:
    """Refuse query parameters that the called method does not declare by ``extend_schema(parameters=...)``.

    What the OpenAPI document tells is so what is taken: a misspelt filter is an error, not a list that was not
    filtered. ``also``: names that every such address takes. Raises ``ValidationError`` naming each.
    """
    known = {*_declared(request), *also}
    refused = {
        _shown(name): [ErrorDetail("There is no such parameter.", "unknown_field")]
        for name in request.query_params
        if name not in known
    }
    if refused:
        raise ValidationError(refused)


def _declared(request: Request) -> Iterator[str]:
    """Give the names of the query parameters that the called method is described with."""
    view, method = request.parser_context["view"], str(request.method)
    described = getattr(getattr(view, method.lower()), "kwargs", {}).get("schema")
    if described is None:
        return
    schema = described()
    schema.view, schema.method = view, method
    for one in schema.get_override_parameters():
        if isinstance(one, OpenApiParameter) and one.location == OpenApiParameter.QUERY:
            yield one.name


def _shown(name: str) -> str:
    """Return a name as an answer may carry it: no text of any length, nothing that is no text."""
    return "" if any(unreadable_values(name)) else name[:100]
