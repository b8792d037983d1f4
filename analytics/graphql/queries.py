"""Asking for an event's figures."""

from datetime import date
from typing import Any

import graphene

from analytics.graphql.types import MonetizationType, shown
from analytics.services.monetization import PARTS, monetization
from common import clock
from common.graphql import an_id, wanted


class Query:
    """Analytics' part of Query."""

    monetization_analytics = graphene.Field(
        graphene.NonNull(MonetizationType),
        event_id=graphene.ID(required=True),
        date_from=graphene.Date(),
        date_to=graphene.Date(),
        description="Days of the event's own time zone, both included; the last 30 when none are given.",
    )

    @staticmethod
    def resolve_monetization_analytics(
        root: None, info: Any, event_id: str, date_from: date | None = None, date_to: date | None = None
    ) -> dict[str, Any]:
        """Return the figures; of the parts those that are asked for."""
        asked = wanted(info)
        parts = tuple(part for part in PARTS if part in asked)
        answer = monetization(
            actor=info.context.actor,
            event_id=an_id(event_id, "event_id"),
            date_from=date_from,
            date_to=date_to,
            parts=parts,
            now=clock.now(),
        )
        return shown(answer, parts)
