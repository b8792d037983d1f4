"""How much one GraphQL request may ask for: depth, aliases, pages, the number of values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    get_argument_values,
    get_named_type,
    visit,
)

from common.errors import FieldError, Invalid
from common.graphql.errors import GraphQLInvalid, GraphQLTooComplex
from common.rest.text import unreadable_values

MAXIMUM_TOKENS = 2000
MAXIMUM_COMMENTS = 200
MAXIMUM_SOURCE = 20_000
MAXIMUM_FIELDS = 2000
MAXIMUM_PAGE = 200
# What a list is reckoned at that names no page size.
USUAL_PAGE = 10
_PAGE_ARGUMENTS = frozenset({"first", "last", "limit"})
# Federation: its list is as long as the list that it is given.
_REFERENCES = "representations"


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one request.

    ``complexity`` counts the fields answered, each times the lengths of its lists; ``references`` what other
    subgraphs refer to, in the whole request.
    """

    depth: int = 10
    introspection_depth: int = 16
    aliases: int = 30
    complexity: int = 20_000
    references: int = 200

    @classmethod
    def from_settings(cls) -> "Limits":
        """Read ``settings.GRAPHQL_LIMITS``, a dict of the fields to change."""
        return cls(**getattr(settings, "GRAPHQL_LIMITS", {}))


def check_limits(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limits: Limits,
) -> None:
    """Raise ``GraphQLTooComplex``, or ``Invalid`` naming the page argument.

    Runs after validation, which has refused fragments that contain themselves; ``variables`` are the coerced
    ones, with the operation's defaults.
    """
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measure = _Measure(schema, fragments, variables, limits)
    cost = measure.cost_of(operation.selection_set, schema.get_root_type(operation.operation), _Place())
    if cost > limits.complexity:
        raise GraphQLTooComplex(f"This asks for up to {cost} values; {limits.complexity} are allowed.")


def check_values(document: DocumentNode, variables: Mapping[str, Any]) -> None:
    """Raise ``GraphQLInvalid`` when a variable or literal holds what no column can, such as a NUL."""
    errors = [FieldError(error.field, error.code, error.message) for error in unreadable_values(variables)]
    literals = _Literals()
    visit(document, literals)
    errors += unreadable_values(literals.texts)
    if errors:
        raise GraphQLInvalid(errors=errors)


class _Literals(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"query": []}

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        self.texts["query"].append(node.value)


@dataclass
class _Measure:
    """Walks one operation and adds up what it may answer."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    limits: Limits
    aliases: int = 0
    visited: int = 0
    references: int = 0

    def cost_of(self, selected: SelectionSetNode | None, parent: Any, place: "_Place") -> int:
        """Return how many values the selection may answer; raises as soon as a bound is passed."""
        cost = 0
        for node, owner in self._fields(selected, parent):
            if place.depth > (self.limits.introspection_depth if place.introspecting else self.limits.depth):
                raise GraphQLTooComplex("This is nested too deeply.")
            self._count(node)
            definition = owner.fields.get(node.name.value) if hasattr(owner, "fields") else None
            page = self._page(node, definition)
            length = page or (USUAL_PAGE if _is_list(definition) and not place.paged else 1)
            inside = _Place(
                depth=place.depth + 1,
                introspecting=place.introspecting or node.name.value in {"__schema", "__type"},
                paged=page is not None,
            )
            child = get_named_type(definition.type) if definition else None
            cost += 1 + length * self.cost_of(node.selection_set, child, inside)
        return cost

    def _fields(self, selected: SelectionSetNode | None, parent: Any) -> Iterator[tuple[FieldNode, Any]]:
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                yield node, parent
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = getattr(fragment, "type_condition", None)
            inner = self.schema.get_type(condition.name.value) if condition else parent
            yield from self._fields(getattr(fragment, "selection_set", None), inner)

    def _count(self, node: FieldNode) -> None:
        # Bounds the work of measuring itself: fragments spread in fragments grow exponentially.
        self.visited += 1
        if self.visited > MAXIMUM_FIELDS:
            raise GraphQLTooComplex(f"At most {MAXIMUM_FIELDS} fields are allowed.")
        self.aliases += node.alias is not None
        if self.aliases > self.limits.aliases:
            raise GraphQLTooComplex(f"At most {self.limits.aliases} aliases are allowed.")

    def _page(self, node: FieldNode, definition: GraphQLField | None) -> int | None:
        """Return the page size that is asked for or given by default; None for a field without pages."""
        if definition is None or not _PAGE_ARGUMENTS.union({_REFERENCES}).intersection(definition.args):
            return None
        values = _arguments(definition, node, self.variables)
        if _REFERENCES in values:
            return self._referred(values[_REFERENCES])
        if (values.get("offset") or 0) < 0:
            raise Invalid.field("offset", "out_of_range", "Begin at 0 or later.")
        for name in sorted(_PAGE_ARGUMENTS.intersection(definition.args)):
            size = values.get(definition.args[name].out_name or name)
            if isinstance(size, int):
                if not 1 <= size <= MAXIMUM_PAGE:
                    raise Invalid.field(name, "out_of_range", f"Ask for 1 to {MAXIMUM_PAGE} at once.")
                return size
        return USUAL_PAGE

    def _referred(self, given: list[Any]) -> int:
        self.references += len(given)
        if self.references > self.limits.references:
            raise GraphQLTooComplex(f"At most {self.limits.references} representations are answered at once.")
        return len(given)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a selection stands.

    ``paged`` says that its parent named the page's size, which its lists then have.
    """

    depth: int = 1
    introspecting: bool = False
    paged: bool = False


def _arguments(definition: GraphQLField, node: FieldNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a field's arguments. Raises ``GraphQLInvalid`` naming the one that does not fit: a variable that may be
    null is valid where an argument has a default, until it is null."""
    try:
        return get_argument_values(definition, node, dict(variables))
    except GraphQLError as error:
        raise GraphQLInvalid(error.message) from error


def _nullable(definition: GraphQLField) -> Any:
    kind = definition.type
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _is_list(definition: GraphQLField | None) -> bool:
    return definition is not None and isinstance(_nullable(definition), GraphQLList)
