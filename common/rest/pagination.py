"""Paging, the same for every list: ``?limit=50&offset=0`` answers ``{count, next, previous, results}``."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from common.rest.queries import refuse_unknown

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200
# Further than any list of ours; a bound keeps the number inside PostgreSQL's integers.
MAXIMUM_OFFSET = 1_000_000_000


class LimitOffset(LimitOffsetPagination):
    """Limit and offset, each a field error when it is no number within its bounds, not a silent default.

    So is every other query parameter that the list's description does not declare (CONTRACT: bad input gets a
    clear error that names the field).
    """

    default_limit = DEFAULT_LIMIT
    max_limit = MAXIMUM_LIMIT

    def get_limit(self, request: Request) -> int | None:
        """Return the page's size, 1 to 200. Every list asks for it first, so all its parameters are checked here."""
        refuse_unknown(request, "limit", "offset")
        return _number(request, "limit", DEFAULT_LIMIT, lowest=1, highest=MAXIMUM_LIMIT)

    def get_offset(self, request: Request) -> int:
        """Return where the page begins, from 0."""
        return _number(request, "offset", 0, lowest=0, highest=MAXIMUM_OFFSET)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe both with their bounds."""
        bounds = {
            self.limit_query_param: {"minimum": 1, "maximum": MAXIMUM_LIMIT},
            self.offset_query_param: {"minimum": 0, "maximum": MAXIMUM_OFFSET},
        }
        described: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        return [{**one, "schema": {**one["schema"], **bounds[one["name"]]}} for one in described]


def _number(request: Request, name: str, default: int, *, lowest: int, highest: int) -> int:
    text = request.query_params.get(name, "")
    if text == "":
        return default
    if text.isascii() and text.isdigit() and lowest <= int(text[:12]) <= highest:
        return int(text[:12])
    raise ValidationError({name: f"Give a whole number from {lowest} to {highest}."}, code="invalid_page")
