"""The product's door and types, with things that are made as they are asked for: what references cost before anything
is read."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import graphene

from common.graphql import Entity, Wanted
from common.graphql.federation import entities_field
from events.graphql import EventType
from events.models import Event
from offers.graphql.types import OfferObject
from offers.models import Offer

_WHEN = datetime(2096, 11, 21, tzinfo=UTC)


def _events(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Event]:
    return {one: Event(id=one, slug="bench", title="Bench", starts_at=_WHEN, ends_at=_WHEN) for one in ids}


def _offers(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Offer]:
    return {one: Offer(id=one, title="Offer", price_amount=1999, currency="USD") for one in ids}


class Query(graphene.ObjectType):
    """``_entities`` alone."""

    entities = entities_field((Entity(EventType, _events, Event), Entity(OfferObject, _offers, Offer)))


schema = graphene.Schema(query=Query)
