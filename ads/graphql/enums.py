"""The choices of ads on GraphQL."""

import graphene

from ads.models import AdPlacement, ContentType, InvalidReason, Pacing, PriceModel
from ads.types.ads import AdStatus

AdPlacementEnum = graphene.Enum("AdPlacementEnum", [(value, value) for value in AdPlacement.values])
AdContentTypeEnum = graphene.Enum("AdContentTypeEnum", [(value, value) for value in ContentType.values])
AdPriceModelEnum = graphene.Enum("AdPriceModelEnum", [(value, value) for value in PriceModel.values])
AdPacingEnum = graphene.Enum("AdPacingEnum", [(value, value) for value in Pacing.values])
AdStatusEnum = graphene.Enum("AdStatusEnum", [(value, value) for value in AdStatus.values])
# As REST writes them, in GraphQL's capitals.
AdInvalidReasonEnum = graphene.Enum(
    "AdInvalidReasonEnum", [(value.upper(), value) for value in InvalidReason.values]
)
