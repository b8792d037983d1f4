"""Reading arguments, so that a wrong one is a field error as on REST."""

from enum import Enum
from typing import Any
from uuid import UUID

from common.errors import Invalid


def an_id(text: str, name: str) -> UUID:
    """Return an id. Raises ``Invalid`` naming its field."""
    try:
        return UUID(str(text))
    except ValueError as error:
        raise Invalid.field(name, "not_an_id", "Give an id.") from error


def value_of(choice: Any) -> Any:
    """Return a choice's value, as an enum's argument gives it or as a default does."""
    return choice.value if isinstance(choice, Enum) else choice
