"""Arrays of plain values as PostgreSQL reads them: the driver's own way costs several times as much."""

from collections.abc import Iterable
from uuid import UUID


def array(values: Iterable[object]) -> str:
    """Return values as the text of an array, to be cast where it is used (``%(ids)s::uuid[]``); None is null.

    For values whose text needs no escape alone: ids, numbers, dates, codes of ours.
    """
    return "{" + ",".join(map(_text, values)) + "}"


def _text(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex
    return "null" if value is None else str(value)
