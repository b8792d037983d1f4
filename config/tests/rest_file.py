"""What the OpenAPI file says of each address."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from config.local_stack.environment import ROOT

METHODS: Final = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_WRITES: Final = {method.lower() for method in METHODS - {"GET"}}
# Mostly what a careless reader would convert. A price may be a whole number, which is exact.
_OTHERS: Final[dict[str, Any]] = {"string": 5, "integer": "5", "boolean": "true", "price": True}


@dataclass(frozen=True)
class Body:
    """What the file says of a body: each field with its JSON type, which must be there, whether others are refused."""

    fields: dict[str, str]
    required: frozenset[str]
    is_strict: bool

    def of_other_types(self) -> dict[str, Any]:
        """Return a body that has every field, and none of its type."""
        return {name: _OTHERS.get(kind, "no list") for name, kind in self.fields.items()}


@cache
def described() -> dict[str, Any]:
    """Read the file."""
    # In C: the other loader takes a second for it.
    found: dict[str, Any] = yaml.load((ROOT / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    return found


def bodies() -> Iterator[tuple[str, str, Body]]:
    """Yield the method and path of each operation that is sent a body, and what the file says of the body."""
    for path, operations in described()["paths"].items():
        for method in _WRITES & set(operations):
            sent = operations[method].get("requestBody")
            if sent is not None:
                yield method, path, _read(sent["content"]["application/json"]["schema"])


def body_called(name: str) -> Body:
    """Return what the file says of a shape by its name."""
    return _read(described()["components"]["schemas"][name])


def _read(shape: dict[str, Any]) -> Body:
    whole = _followed(shape)
    fields = {name: _type_of(_followed(one)) for name, one in whole["properties"].items()}
    return Body(fields, frozenset(whole.get("required", ())), whole.get("additionalProperties") is False)


def _type_of(shape: dict[str, Any]) -> str:
    return "price" if shape.get("example") == "19.99" else str(shape["type"])


def _followed(shape: dict[str, Any]) -> dict[str, Any]:
    """Return a shape itself where the file only refers to it."""
    if "allOf" in shape:
        (shape,) = shape["allOf"]
    if "$ref" in shape:
        return _followed(described()["components"]["schemas"][shape["$ref"].rpartition("/")[2]])
    return shape
