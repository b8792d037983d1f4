"""Descriptions of parameters and their checking, in Stripe's words.

A `Field` turns the text of one parameter into a value or raises `ApiError` with the parameter's name.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from sandbox.errors import ApiError
from sandbox.forms import Node
from sandbox.money import CURRENCIES

Field: TypeAlias = Callable[[Node, str], Any]

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_INTEGER = re.compile(r"^-?\d{1,18}$")
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500


def _text(node: Node, path: str) -> str:
    if isinstance(node, dict):
        raise ApiError(f"Invalid string: {node}", param=path, code="parameter_invalid_string")
    return node


def text(maximum: int = 5000) -> Field:
    """A string that is not empty, of at most `maximum` characters."""

    def parse(node: Node, path: str) -> str:
        value = _text(node, path)
        if not value.strip():
            raise ApiError(
                f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{path}' cannot be unset.",
                code="parameter_invalid_empty",
                param=path,
            )
        if len(value) > maximum:
            raise ApiError(
                f"Invalid string: {value[:12]}...; must be at most {maximum} characters",
                code="parameter_invalid_string",
                param=path,
            )
        return value

    return parse


def unsettable(field: Field) -> Field:
    """The field, or None when an empty string asks to remove the value."""
    return lambda node, path: None if node == "" else field(node, path)


def integer(minimum: int | None = None, maximum: int | None = None) -> Field:
    """A whole number within the bounds, both included."""

    def parse(node: Node, path: str) -> int:
        value = _text(node, path)
        if not _INTEGER.match(value):
            raise ApiError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
        number = int(value)
        if minimum is not None and number < minimum:
            raise ApiError(
                f"This value must be greater than or equal to {minimum}.",
                code="parameter_invalid_integer",
                param=path,
            )
        if maximum is not None and number > maximum:
            raise ApiError(
                f"This value must be less than or equal to {maximum}.",
                code="parameter_invalid_integer",
                param=path,
            )
        return number

    return parse


def boolean(node: Node, path: str) -> bool:
    """`true` or `false`."""
    if node not in {"true", "false"}:
        raise ApiError(f"Invalid boolean: {node}", code="parameter_invalid_boolean", param=path)
    return node == "true"


def choice(*values: str) -> Field:
    """One of the named values."""

    def parse(node: Node, path: str) -> str:
        value = _text(node, path)
        if value not in values:
            raise ApiError(f"Invalid {path}: must be one of {', '.join(values)}", param=path)
        return value

    return parse


def currency(node: Node, path: str) -> str:
    """A three-letter code that Stripe charges in; lower case in the answer."""
    value = _text(node, path).lower()
    if value not in CURRENCIES:
        raise ApiError(
            f"Invalid currency: {value}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(CURRENCIES))}",
            param=path,
        )
    return value


def url(node: Node, path: str) -> str:
    """An http(s) address of at most 2,048 characters."""
    value = _text(node, path)
    if len(value) > 2048:
        raise ApiError("Invalid URL: URL must be 2048 characters or less.", param=path, code="url_invalid")
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        valid = False
    if not valid:
        raise ApiError("Not a valid URL", param=path, code="url_invalid")
    return value


def email(node: Node, path: str) -> str:
    """An e-mail address of at most 800 characters."""
    value = _text(node, path)
    if not _EMAIL.match(value) or len(value) > 800:
        raise ApiError(f"Invalid email address: {value}", param=path, code="email_invalid")
    return value


def metadata(node: Node, path: str) -> dict[str, str]:
    """At most 50 pairs; key 40 characters, value 500. An empty string clears all, an empty value one key."""
    if node == "":
        return {}
    if not isinstance(node, dict):
        raise ApiError(f"Invalid hash: {node}", param=path)
    if len(node) > METADATA_KEYS:
        raise ApiError(
            f"Metadata can have at most {METADATA_KEYS} keys, but you passed {len(node)}.", param=path
        )
    for key, value in node.items():
        if isinstance(value, dict):
            raise ApiError(
                "Metadata values must be strings; keys must not contain brackets.", param=f"{path}[{key}]"
            )
        if len(key) > METADATA_KEY_LENGTH:
            raise ApiError(f"Metadata keys can be at most {METADATA_KEY_LENGTH} characters long.", param=path)
        if len(value) > METADATA_VALUE_LENGTH:
            raise ApiError(
                f"Metadata values can be at most {METADATA_VALUE_LENGTH} characters long.",
                param=f"{path}[{key}]",
            )
    return {key: str(value) for key, value in node.items()}


def list_of(field: Field, maximum: int = 100) -> Field:
    """A list: `name[]` or `name[0]`, `name[1]`..."""

    def parse(node: Node, path: str) -> list[Any]:
        if not isinstance(node, dict) or not all(key.isdecimal() for key in node):
            raise ApiError("Invalid array", param=path)
        if len(node) > maximum:
            raise ApiError(f"Array exceeded maximum {maximum} allowed elements.", param=path)
        ordered = sorted(node.items(), key=lambda item: int(item[0]))
        return [field(item, f"{path}[{index}]") for index, (_, item) in enumerate(ordered)]

    return parse


def shape(fields: Mapping[str, Field], required: tuple[str, ...] = ()) -> Field:
    """A hash with exactly these parameters."""

    def parse(node: Node, path: str) -> dict[str, Any]:
        if not isinstance(node, dict):
            raise ApiError("Invalid object", param=path)
        return parse_parameters(node, fields, required, path)

    return parse


def created_range(node: Node, path: str) -> dict[str, int]:
    """A moment, or bounds gt, gte, lt, lte, in seconds since the epoch."""
    if isinstance(node, str):
        moment = integer(0)(node, path)
        return {"gte": moment, "lte": moment}
    return parse_parameters(node, {name: integer(0) for name in ("gt", "gte", "lt", "lte")}, (), path)


def kept_as_sent(node: Node, path: str) -> Node:
    """A parameter that Stripe knows and that changes nothing here (appearance, tax, wallets)."""
    return node


def parse_parameters(
    given: Mapping[str, Node], fields: Mapping[str, Field], required: tuple[str, ...] = (), path: str = ""
) -> dict[str, Any]:
    """The values of all given parameters; raises for unknown and missing ones."""

    def full(name: str) -> str:
        return f"{path}[{name}]" if path else name

    unknown = [full(name) for name in given if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise ApiError(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    for name in required:
        if name not in given:
            raise ApiError(
                f"Missing required param: {full(name)}.", code="parameter_missing", param=full(name)
            )
    return {name: fields[name](node, full(name)) for name, node in given.items()}
