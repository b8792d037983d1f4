"""Counting impressions and clicks on GraphQL: the same services as REST."""

from typing import Any

import graphene

from ads.graphql.enums import AdInvalidReasonEnum
from ads.models import InvalidReason
from ads.rest.callers import visitor_of
from ads.services import redeeming
from ads.types.redeeming import Seen
from common import clock
from common.graphql import an_id


class AdImpressionInput(graphene.InputObjectType):
    """An ad that was shown, by its token; ``viewable``: it was seen."""

    token = graphene.String(required=True)
    viewable = graphene.Boolean(default_value=False)


class AdImpressionResult(graphene.ObjectType):
    """What became of one impression."""

    index = graphene.Int(required=True)
    counted = graphene.Boolean(required=True)
    reason = graphene.Field(AdInvalidReasonEnum, description="Why it did not count.")


class AdClickResult(graphene.ObjectType):
    """Whether a click counted, and where it leads."""

    counted = graphene.Boolean(required=True)
    reason = graphene.Field(AdInvalidReasonEnum, description="Why it did not count.")
    click_url = graphene.String(required=True)


class TrackAdImpressions(graphene.Mutation):
    """Count ads that were shown, and those that were seen: 1 to 100, each answered by its place."""

    class Arguments:
        """What was shown."""

        impressions = graphene.List(graphene.NonNull(AdImpressionInput), required=True)

    Output = graphene.NonNull(graphene.List(graphene.NonNull(AdImpressionResult)))

    @staticmethod
    def mutate(root: None, info: Any, impressions: list[AdImpressionInput]) -> list[AdImpressionResult]:
        """Count them."""
        seen = [Seen(one["token"], bool(one.get("viewable"))) for one in impressions]
        who = visitor_of(info.context, info.context.actor.user_id)
        results = redeeming.redeem_impressions(seen=seen, who=who, now=clock.now())
        return [
            AdImpressionResult(index=one.index, counted=one.counted, reason=_name(one.reason))
            for one in results
        ]


class TrackAdClick(graphene.Mutation):
    """Count a click on an ad, for front ends that open it themselves."""

    class Arguments:
        """Which ad, and the token it was served with."""

        ad_id = graphene.ID(required=True)
        token = graphene.String(required=True)

    Output = graphene.NonNull(AdClickResult)

    @staticmethod
    def mutate(root: None, info: Any, ad_id: str, token: str) -> AdClickResult:
        """Count it."""
        who = visitor_of(info.context, info.context.actor.user_id)
        done = redeeming.click(ad_id=an_id(ad_id, "ad_id"), token=token, who=who, now=clock.now())
        return AdClickResult(counted=done.counted, reason=_name(done.reason), click_url=done.destination)


def _name(reason: InvalidReason | None) -> str | None:
    return None if reason is None else reason.value


class RedeemingMutation:
    """The counting part of Mutation."""

    track_ad_impressions = TrackAdImpressions.Field()
    track_ad_click = TrackAdClick.Field()
