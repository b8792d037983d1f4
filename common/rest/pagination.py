"""Paging, the same for every list: ``?limit=50&offset=0`` answers ``{count, next, previous, results}``."""

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200
# Further than any list of ours; a bound keeps the number inside PostgreSQL's integers.
MAXIMUM_OFFSET = 1_000_000_000


class LimitOffset(LimitOffsetPagination):
    """Limit and offset.

    A limit over 200 gives 200, what is no number is a field error and not a silent default.
    """

    default_limit = DEFAULT_LIMIT
    max_limit = MAXIMUM_LIMIT

    def get_limit(self, request: Request) -> int | None:
        """Return the page's size, 1 to 200."""
        return min(_number(request, "limit", DEFAULT_LIMIT, lowest=1), MAXIMUM_LIMIT)

    def get_offset(self, request: Request) -> int:
        """Return where the page begins, from 0."""
        return _number(request, "offset", 0, lowest=0)


def _number(request: Request, name: str, default: int, *, lowest: int) -> int:
    text = request.query_params.get(name, "")
    if text == "":
        return default
    if text.isascii() and text.isdigit() and lowest <= int(text[:12]) <= MAXIMUM_OFFSET:
        return int(text[:12])
    raise ValidationError(
        {name: f"Give a whole number from {lowest} to {MAXIMUM_OFFSET}."}, code="invalid_page"
    )
