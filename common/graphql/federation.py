"""The subgraph's side of Apollo Federation 2: ``_service``, ``_entities`` and the directives of the SDL.

A router composes the SDL with other subgraphs' and asks ``_entities`` for things that those refer to by id. The
library for it, and why it is not used: ``docs/decisions/0012-federation.md``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import graphene
from django.conf import settings
from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    ValueNode,
    parse,
    print_ast,
    print_schema,
    value_from_ast_untyped,
)

from common.errors import Failure, Invalid, NotFound
from common.graphql.arguments import an_id
from common.graphql.selections import Wanted, wanted

# The oldest that has what is used here: every router of Federation 2 composes it.
_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])\n\n'
)
_OWN_TYPES = frozenset({"_Any", "_Entity", "_Service"})
_OWN_FIELDS = frozenset({"_entities", "_service"})
# Every subgraph has these; a description of ours would be held against theirs.
_ROOTS = frozenset({"Query", "Mutation"})

# Given the request, ids and the wanted fields; answers the things by id, or why one is refused. What is neither is
# not there. It takes a fixed number of statements; raising a ``Failure`` refuses all.
Loader = Callable[[Any, Collection[UUID], Wanted], Mapping[UUID, Any]]


@dataclass(frozen=True, slots=True)
class Entity:
    """A type with the key ``id``. ``load`` answers instances of ``source``, or dicts where it is None."""

    kind: type[graphene.ObjectType]
    load: Loader
    source: type | None = None

    @property
    def name(self) -> str:
        """The type's name in the schema."""
        return str(self.kind._meta.name)


class Representation(graphene.Scalar):
    """A reference to an entity: an object of its ``__typename`` and its key."""

    class Meta:
        name = "_Any"

    @staticmethod
    def parse_value(value: Any) -> Any:
        """Take anything: what is no reference is refused by itself, beside the others."""
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        """Take anything that is written in the document."""
        return value_from_ast_untyped(node, variables)


class Service(graphene.ObjectType):
    """This subgraph."""

    class Meta:
        name = "_Service"

    sdl = graphene.String(required=True, description="For the composition of a supergraph.")


def service_field(*, entities: Sequence[Entity], shareable: Collection[str]) -> graphene.Field:
    """Return ``_service``. The types named by ``shareable`` are values that other subgraphs may define too."""
    keys = frozenset(entity.name for entity in entities)

    def resolve(root: None, info: GraphQLResolveInfo) -> dict[str, str]:
        if not settings.GRAPHQL_SDL:
            raise NotFound("This subgraph does not tell its schema.")
        return {"sdl": subgraph_sdl(info.schema, keys, frozenset(shareable))}

    return graphene.Field(Service, required=True, name="_service", resolver=resolve)


def entities_field(entities: Sequence[Entity]) -> graphene.Field:
    """Return ``_entities``: each reference answered in its place, one that cannot be is null alone."""
    by_name = {entity.name: entity for entity in entities}

    def resolve(root: None, info: GraphQLResolveInfo, representations: list[Any]) -> list[Any]:
        return _answers(info, by_name, [_read(by_name, *one) for one in enumerate(representations)])

    return graphene.Field(
        graphene.List(_union_of(entities), required=True),
        name="_entities",
        resolver=resolve,
        representations=graphene.List(graphene.NonNull(Representation), required=True),
        description="What other subgraphs refer to, in the order asked; what is not the caller's to see is null.",
    )


@lru_cache(maxsize=4)
def subgraph_sdl(schema: GraphQLSchema, keys: frozenset[str], shareable: frozenset[str]) -> str:
    """Return the schema with the directives that a composition reads, without federation's own fields."""
    document = parse(print_schema(schema))
    return _LINK + "\n\n".join(map(print_ast, _marked(document.definitions, keys, shareable))) + "\n"


def _marked(
    definitions: Iterable[DefinitionNode], keys: frozenset[str], shareable: frozenset[str]
) -> Iterator[DefinitionNode]:
    for definition in definitions:
        name = definition.name.value if hasattr(definition, "name") else ""
        if name in _OWN_TYPES:
            continue
        if isinstance(definition, ObjectTypeDefinitionNode):
            if name in _ROOTS:
                definition.description = None
                definition.fields = tuple(
                    one for one in definition.fields if one.name.value not in _OWN_FIELDS
                )
            if name in keys:
                definition.directives = _directives('@key(fields: "id")')
            elif name in shareable:
                definition.directives = _directives("@shareable")
        yield definition


def _directives(text: str) -> tuple[ConstDirectiveNode, ...]:
    (definition,) = parse(f"scalar Any {text}").definitions
    directives: tuple[ConstDirectiveNode, ...] = tuple(definition.directives)  # type: ignore[attr-defined]
    return directives


def _union_of(entities: Sequence[Entity]) -> type[graphene.Union]:
    by_source = {entity.source: entity.kind for entity in entities if entity.source is not None}
    by_name = {entity.name: entity.kind for entity in entities}

    class EntityUnion(graphene.Union):
        """What other subgraphs may refer to."""

        class Meta:
            name = "_Entity"
            types = tuple(entity.kind for entity in entities)

        @classmethod
        def resolve_type(cls, instance: Any, info: GraphQLResolveInfo) -> type[graphene.ObjectType]:
            """Name the type of an answer."""
            if isinstance(instance, dict):
                return by_name[instance["__typename"]]
            return by_source[type(instance)]

    return EntityUnion


@dataclass(frozen=True, slots=True)
class _Reference:
    typename: str
    id: UUID


def _read(entities: Mapping[str, Entity], index: int, given: Any) -> "_Reference | Failure":
    """Return what is meant, or why it cannot be: an answer like any other, so that the rest is answered."""
    field = f"representations[{index}]"
    if not isinstance(given, dict) or not isinstance(given.get("id"), str):
        return Invalid.field(field, "required", "Give an object with __typename and id.")
    name = given.get("__typename")
    if not isinstance(name, str) or name not in entities:
        return Invalid.field(field, "invalid_choice", "There is no entity of this type here.")
    try:
        return _Reference(name, an_id(given["id"], field))
    except Invalid as refused:
        return refused


def _answers(
    info: GraphQLResolveInfo, entities: Mapping[str, Entity], asked: list["_Reference | Failure"]
) -> list[Any]:
    """Return a value or a failure for each place; graphql-core makes null and an error of the latter."""
    ids: dict[str, dict[UUID, None]] = {}
    for one in asked:
        if isinstance(one, _Reference):
            ids.setdefault(one.typename, {})[one.id] = None
    found = {name: _loaded(info, entities[name], tuple(wanted_ids)) for name, wanted_ids in ids.items()}
    return [one if isinstance(one, Failure) else found[one.typename][one.id] for one in asked]


def _loaded(info: GraphQLResolveInfo, entity: Entity, ids: tuple[UUID, ...]) -> dict[UUID, Any]:
    try:
        found = entity.load(info.context, ids, wanted(info, entity.name))
    except Failure as failure:
        return dict.fromkeys(ids, failure)
    return {one: _typed(entity.name, found.get(one)) for one in ids}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return NotFound()
    return {**value, "__typename": name} if isinstance(value, dict) else value
