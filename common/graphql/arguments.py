"""Reading arguments, so that a wrong one is a field error as on REST."""

import re
from enum import Enum
from typing import Any
from uuid import UUID

from common.errors import Invalid

# Python's own reading takes braces, URNs, underscores, and digits of any alphabet.
_ID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


def an_id(text: str, name: str) -> UUID:
    """Return an id, which has one form, as in REST's addresses. Raises ``Invalid`` naming its field."""
    if not _ID.fullmatch(str(text)):
        raise Invalid.field(name, "not_an_id", "Give an id.")
    return UUID(str(text))


def value_of(choice: Any) -> Any:
    """Return a choice's value, as an enum's argument gives it or as a default does."""
    return choice.value if isinstance(choice, Enum) else choice
