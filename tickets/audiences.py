"""Whom a push campaign can go to by their tickets."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet

from notifications.models import PushAudience
from notifications.services.push.audiences import Audience
from tickets.models import Ticket, TicketStatus, TicketTier


def _holders(event_id: UUID, tier_id: UUID | None) -> QuerySet[Any, Any]:
    valid = Ticket.objects.filter(event_id=event_id, tier_id=tier_id, status=TicketStatus.VALID)
    return valid.order_by().annotate(user_id=F("holder_id")).values("user_id")


def _tiers(event_id: UUID) -> Sequence[tuple[UUID, str]]:
    tiers = TicketTier.objects.filter(event_id=event_id).order_by("sort_order", "name")
    return list(tiers.values_list("id", "name"))


HOLDERS: Final = Audience(PushAudience.TIER.value, PushAudience.TIER.label, _holders, _tiers)
