"""The choices of ads on GraphQL."""

import graphene

from ads.models import AdPlacement, ContentType

AdPlacementEnum = graphene.Enum("AdPlacementEnum", [(value, value) for value in AdPlacement.values])
AdContentTypeEnum = graphene.Enum("AdContentTypeEnum", [(value, value) for value in ContentType.values])
