"""The OpenAPI schema's share of the common rules: errors, the idempotency key, which paths are described."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter

from common.problems import CONTENT_TYPE
from common.rest.pagination import DEFAULT_LIMIT, MAXIMUM_LIMIT, MAXIMUM_OFFSET
from common.rest.serializers import Strict

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    # Spaces at the ends are no part of a header's value (RFC 9110).
    {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters, one per intent. The same key and body give the same "
    "answer for 30 days; the same key with another body is refused (422).",
)


def whole_number(
    name: str, *, lowest: int, highest: int, description: str = "", required: bool = False
) -> OpenApiParameter:
    """Describe a query parameter that is a whole number within bounds."""
    shape = {"type": "integer", "minimum": lowest, "maximum": highest}
    return OpenApiParameter(name, shape, required=required, description=description)


PAGE = [
    whole_number(
        "limit",
        lowest=1,
        highest=MAXIMUM_LIMIT,
        description=f"1 to {MAXIMUM_LIMIT}; {DEFAULT_LIMIT} if not said.",
    ),
    whole_number("offset", lowest=0, highest=MAXIMUM_OFFSET),
]

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "code", "detail", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "example": "urn:problem-type:marquee:sold_out"},
        "title": {"type": "string"},
        "status": {"type": "integer", "example": 409},
        "code": {"type": "string", "description": "What callers rely on.", "example": "sold_out"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "Dotted and indexed; empty for the whole body.",
                        "example": "events[2].id",
                    },
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean", "description": "Whether the same call may succeed later."},
        "retry_after": {"type": "integer", "description": "Seconds."},
    },
}


class ProblemAwareSchema(AutoSchema):
    """Adds to every operation the answers that every operation has: a problem document for 4XX and 5XX."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation with its error answers."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for status, words in (("4XX", "Refused"), ("5XX", "Failed")):
            operation["responses"].setdefault(status, _answer(words))
        return operation

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """Return the shape of a body, which says so where names that are not in it are refused."""
        shape: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        is_strict = isinstance(force_instance(serializer), Strict)  # type: ignore[no-untyped-call]
        if direction == "request" and is_strict:
            shape["additionalProperties"] = False
        return shape


def _answer(description: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": reference}}}


def describe_api_only(
    endpoints: list[tuple[str, str, str, Any]], **_: Any
) -> list[tuple[str, str, str, Any]]:
    """Leave out what is no part of the public API (``PREPROCESSING_HOOKS``)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def add_problem_schema(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the ``Problem`` component that every operation refers to (``POSTPROCESSING_HOOKS``)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    return result
