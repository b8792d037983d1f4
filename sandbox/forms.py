"""Stripe's form encoding: `line_items[0][price_data][currency]=usd` becomes nested dictionaries of strings.

Whether a dictionary with the keys 0, 1, 2 is a list is for the parameter's own description to say
(`sandbox.params`): metadata may have such keys too.
"""

import re
from typing import TypeAlias
from urllib.parse import parse_qsl

from sandbox.errors import ApiError

Node: TypeAlias = "str | dict[str, Node]"

MAX_FIELDS = 5000
MAX_DEPTH = 8
_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def _invalid(key: str) -> ApiError:
    return ApiError(f"Invalid parameter name: {key}", param=key)


def _path(key: str) -> list[str]:
    match = _KEY.match(key)
    if match is None:
        raise _invalid(key)
    path = [match[1], *_PART.findall(match[2])]
    if len(path) > MAX_DEPTH:
        raise _invalid(key)
    return path


def _put(tree: dict[str, Node], path: list[str], value: str, key: str) -> None:
    for name in path[:-1]:
        child = tree.setdefault(name or str(len(tree)), {})
        if isinstance(child, str):
            raise _invalid(key)
        tree = child
    last = path[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise _invalid(key)
    tree[last] = value


def parse_form(raw: bytes) -> dict[str, Node]:
    """The tree of a query string or form body; raises `ApiError` 400 when it is not one."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
            encoding="utf-8",
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise ApiError("Invalid request body: it is not form-encoded UTF-8.") from error
    tree: dict[str, Node] = {}
    for key, value in pairs:
        _put(tree, _path(key), value, key)
    return tree
