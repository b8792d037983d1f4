"""Serving ads on GraphQL: the same decision as REST."""

from typing import Any

import graphene

from ads.decision.asking import asks
from ads.decision.decide import decide
from ads.decision.types import MAXIMUM_LIMIT, Context, Decision
from ads.decision.viewers import viewer_of
from ads.graphql.enums import AdContentTypeEnum, AdPlacementEnum
from ads.rest.callers import is_program, network_of
from ads.tracked import tracked_path
from common import clock
from common.errors import Invalid
from common.graphql import an_id, value_of


class ServedAdType(graphene.ObjectType):
    """An ad to show. ``degraded``: frequency caps could not be asked, so there is one ad at most."""

    id = graphene.ID(required=True)
    name = graphene.String(required=True)
    content_type = graphene.Field(AdContentTypeEnum, required=True)
    media_url = graphene.String(required=True)
    click_url = graphene.String(required=True, description="Empty: it leads nowhere.")
    tracked_click_url = graphene.String(description="Counts the click and leads to clickUrl.")
    display_duration = graphene.Int(required=True, description="In seconds.")
    aspect_ratio = graphene.String(required=True)
    token = graphene.String(required=True, description="Redeemed once for each kind of event.")
    degraded = graphene.Boolean(required=True)


class ServingQuery:
    """The serving part of Query."""

    ads_for_context = graphene.List(
        graphene.NonNull(ServedAdType),
        required=True,
        description="Ads to show here and now, chosen by weight; each has a token that counts it once.",
        event_id=graphene.ID(required=True),
        placement=AdPlacementEnum(required=True),
        session_id=graphene.ID(),
        session_token=graphene.String(description="Tells viewers apart who are not signed in."),
        ad_id=graphene.ID(description="That ad or none, as for one that was announced."),
        limit=graphene.Int(default_value=1, description=f"1 to {MAXIMUM_LIMIT}."),
    )

    @staticmethod
    def resolve_ads_for_context(root: None, info: Any, event_id: str, **asked: Any) -> list[ServedAdType]:
        """Choose ads for the caller."""
        actor, limit = info.context.actor, asked.get("limit")
        limit = 1 if limit is None else limit
        if not 1 <= limit <= MAXIMUM_LIMIT:
            raise Invalid.field("limit", "out_of_range", f"Give a whole number from 1 to {MAXIMUM_LIMIT}.")
        context = Context(
            event_id=an_id(event_id, "event_id"),
            placement=value_of(asked["placement"]),
            session_id=an_id(asked["session_id"], "session_id") if asked.get("session_id") else None,
            viewer=viewer_of(actor.user_id, asked.get("session_token")),
            limit=limit,
            ad_id=an_id(asked["ad_id"], "ad_id") if asked.get("ad_id") else None,
            is_program=is_program(info.context),
        )
        asks.count(context.viewer, network_of(info.context))
        decision = decide(context=context, who=lambda: actor, now=clock.now())
        return _shown(decision, info.context.build_absolute_uri("/").removesuffix("/"))


def _shown(decision: Decision, base: str) -> list[ServedAdType]:
    return [
        ServedAdType(
            id=ad.id,
            name=ad.name,
            content_type=ad.content_type,
            media_url=ad.media_url,
            click_url=ad.click_url,
            tracked_click_url=f"{base}{tracked_path(ad)}{served.token}" if ad.click_url else None,
            display_duration=ad.duration,
            aspect_ratio=ad.aspect_ratio,
            token=served.token,
            degraded=decision.degraded,
        )
        for served in decision.ads
        for ad in (served.candidate,)
    ]
