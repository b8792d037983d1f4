"""What a query asks for, so that a root resolver can fetch it all at once."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
)
from graphql.pyutils import camel_to_snake

Wanted = dict[str, "Wanted"]


def wanted(info: GraphQLResolveInfo, kind: str | None = None) -> Wanted:
    """Return the fields selected under the resolver's own field, nested, in snake_case.

    Where the field answers a union, ``kind`` names the type whose fields are meant.

    Fragments are followed, ``@skip`` and ``@include`` obeyed, aliases merged under the field's real name:
    ``{offers {results {id inventory {sold}}}}`` resolving ``offers`` gives ``{"results": {"id": {},
    "inventory": {"sold": {}}}}``.
    """
    result: Wanted = {}
    kinds = None if kind is None else frozenset({kind, get_named_type(info.return_type).name})
    for node in info.field_nodes:
        _collect(node.selection_set, result, info, kinds)
    return result


def _collect(
    selected: SelectionSetNode | None,
    result: Wanted,
    info: GraphQLResolveInfo,
    kinds: frozenset[str] | None = None,
) -> None:
    for node in selected.selections if selected else ():
        if not _included(node, info):
            continue
        if isinstance(node, FieldNode):
            if not node.name.value.startswith("__"):
                _collect(node.selection_set, result.setdefault(camel_to_snake(node.name.value), {}), info)
        else:
            for inner in _inside(node, info, kinds):
                _collect(inner, result, info, kinds)


def _inside(
    node: SelectionNode, info: GraphQLResolveInfo, kinds: frozenset[str] | None
) -> Iterator[SelectionSetNode]:
    fragment = info.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
    assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)  # noqa: S101  for the type checker
    condition = fragment.type_condition
    if kinds is None or condition is None or condition.name.value in kinds:
        yield fragment.selection_set


def _included(node: SelectionNode, info: GraphQLResolveInfo) -> bool:
    skip: dict[str, Any] | None = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include: dict[str, Any] | None = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))
