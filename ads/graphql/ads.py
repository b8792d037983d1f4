"""Reading and changing ads on GraphQL: the same services as REST."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import graphene

from ads.graphql.ad_types import AdObject, CreateAdInput, UpdateAdInput, ad_input, named_as_here
from ads.graphql.enums import AdPlacementEnum, AdStatusEnum
from ads.models import Ad
from ads.selectors.ads import ad_of, ads_by_id, page_of_ads
from ads.services import writing
from ads.types.ads import AdFilters, Page
from common import clock
from common.errors import Failure, Unauthenticated
from common.graphql import Entity, Wanted, an_id, value_of
from common.types import Actor

_LIMIT = 50


class AdsQuery:
    """The ads' part of Query, for the organizer's people from analyst up."""

    event_ads = graphene.List(
        graphene.NonNull(AdObject),
        required=True,
        description="The ads of an event, archived ones too, the newest first.",
        event_id=graphene.ID(required=True),
        status=AdStatusEnum(),
        placement=AdPlacementEnum(),
        search=graphene.String(description="Part of a name."),
        limit=graphene.Int(default_value=_LIMIT),
        offset=graphene.Int(default_value=0),
    )
    ad = graphene.Field(AdObject, id=graphene.ID(required=True))

    @staticmethod
    def resolve_event_ads(root: None, info: Any, event_id: str, **asked: Any) -> Sequence[Ad]:
        """List an event's ads."""
        filters = AdFilters(
            status=value_of(asked.get("status")),
            placement=value_of(asked.get("placement")),
            search=(asked.get("search") or "").strip(),
        )
        # The view refuses limits outside of 1 to 200, and offsets below 0, before anything runs.
        page = Page(limit=asked.get("limit") or _LIMIT, offset=asked.get("offset") or 0)
        of_event = an_id(event_id, "event_id")
        ads, _ = page_of_ads(info.context.actor, of_event, filters=filters, page=page, now=clock.now())
        return ads

    @staticmethod
    def resolve_ad(root: None, info: Any, id: str) -> Ad:  # noqa: A002 the contract's name
        """Return one ad."""
        return ad_of(info.context.actor, an_id(id, "id"), now=clock.now())


def _ads(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, Ad | Failure]:
    return ads_by_id(request.actor, ids, now=clock.now())


ENTITIES = (Entity(AdObject, _ads, Ad),)


class CreateAd(graphene.Mutation):
    """Create an ad of an event that the caller manages."""

    class Arguments:
        """One input."""

        input = CreateAdInput(required=True)

    Output = AdObject

    @staticmethod
    def mutate(root: None, info: Any, input: CreateAdInput) -> Ad:  # noqa: A002 the contract's name
        """Create it and return it."""
        actor, now = _caller(info), clock.now()
        event_id = an_id(input["event_id"], "event_id")
        with named_as_here():
            ad = writing.create_ad(actor=actor, event_id=event_id, given=ad_input(input), now=now)
        return ad_of(actor, ad.pk, now=now)


class UpdateAd(graphene.Mutation):
    """Change the named fields of an ad."""

    class Arguments:
        """One input, which names the ad."""

        input = UpdateAdInput(required=True)

    Output = AdObject

    @staticmethod
    def mutate(root: None, info: Any, input: UpdateAdInput) -> Ad:  # noqa: A002 the contract's name
        """Change it and return it."""
        actor, now = _caller(info), clock.now()
        ad_id = an_id(input["id"], "id")
        with named_as_here():
            writing.update_ad(actor=actor, ad_id=ad_id, changes=ad_input(input), now=now)
        return ad_of(actor, ad_id, now=now)


class DeleteAd(graphene.Mutation):
    """Archive an ad: it is not shown any more, and kept for what it delivered."""

    class Arguments:
        """Which ad."""

        id = graphene.ID(required=True)

    Output = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def mutate(root: None, info: Any, id: str) -> bool:  # noqa: A002 the contract's name
        """Archive it; true also when it was before."""
        writing.archive_ad(actor=_caller(info), ad_id=an_id(id, "id"), now=clock.now())
        return True


class AdsMutation:
    """The ads' part of Mutation."""

    create_ad = CreateAd.Field()
    update_ad = UpdateAd.Field()
    delete_ad = DeleteAd.Field()


def _caller(info: Any) -> Actor:
    """Return who acts; raises ``Unauthenticated``."""
    actor: Actor = info.context.actor
    if not actor.is_authenticated:
        raise Unauthenticated
    return actor
