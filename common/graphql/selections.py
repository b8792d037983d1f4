"""What a query asks for, so that a root resolver can fetch it all at once."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
)
from graphql.pyutils import camel_to_snake

Wanted = dict[str, "Wanted"]


def wanted(info: GraphQLResolveInfo) -> Wanted:
    """Return the fields selected under the resolver's own field, nested, in snake_case.

    Fragments are followed, ``@skip`` and ``@include`` obeyed, aliases merged under the field's real name:
    ``{offers {results {id inventory {sold}}}}`` resolving ``offers`` gives ``{"results": {"id": {},
    "inventory": {"sold": {}}}}``.
    """
    result: Wanted = {}
    for node in info.field_nodes:
        _collect(node.selection_set, result, info)
    return result


def _collect(selected: SelectionSetNode | None, result: Wanted, info: GraphQLResolveInfo) -> None:
    for node in selected.selections if selected else ():
        if not _included(node, info):
            continue
        if isinstance(node, FieldNode):
            if not node.name.value.startswith("__"):
                _collect(node.selection_set, result.setdefault(camel_to_snake(node.name.value), {}), info)
        else:
            for inner in _inside(node, info):
                _collect(inner, result, info)


def _inside(node: SelectionNode, info: GraphQLResolveInfo) -> Iterator[SelectionSetNode]:
    if isinstance(node, InlineFragmentNode):
        yield node.selection_set
    elif isinstance(node, FragmentSpreadNode):
        yield info.fragments[node.name.value].selection_set


def _included(node: SelectionNode, info: GraphQLResolveInfo) -> bool:
    skip: dict[str, Any] | None = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include: dict[str, Any] | None = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))
