"""Values that JSON can say and PostgreSQL cannot hold, found before anything else looks at them."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import FieldError
from common.plain_text import is_storable

# PostgreSQL: bigint.
LARGEST_INTEGER = 2**63 - 1


def unreadable_values(data: Any, path: str = "") -> Iterator[FieldError]:
    """Yield a field error for each value that no column can hold.

    That is a NUL, a lone surrogate, an integer past 64 bits, an infinite number. Names are dotted and indexed
    as everywhere (``events[2].id``). Works without recursion: the depth is the caller's.
    """
    waiting = [(path, data)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            for key, item in value.items():
                if not is_storable(str(key)):
                    yield FieldError(
                        name, "unreadable_text", "A field name contains characters that are not text."
                    )
                else:
                    waiting.append((f"{name}.{key}" if name else str(key), item))
        elif isinstance(value, list):
            waiting.extend((f"{name}[{index}]", item) for index, item in enumerate(value))
        else:
            yield from _wrong(name, value)


def _wrong(name: str, value: Any) -> Iterator[FieldError]:
    if isinstance(value, str) and not is_storable(value):
        yield FieldError(name, "unreadable_text", "This text contains characters that are not text.")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        yield FieldError(name, "out_of_range", "This number is too large.")
    elif isinstance(value, float) and not math.isfinite(value):
        yield FieldError(name, "out_of_range", "This is not a finite number.")
