"""Push messages are kept for a time; campaigns keep their figures (REQ NO-04)."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from common.db import in_batches, retrying
from notifications.models import PushCampaign, PushMessage, PushStatus
from notifications.selectors.push import CampaignFigures, counted

_AT_ONCE: Final = 1000
# What waits is not old, however long ago it was written.
_WAITS: Final = (PushStatus.QUEUED, PushStatus.HELD)


def forget_old(*, now: datetime) -> int:
    """Delete messages older than ``PUSH_RETENTION_DAYS``, batch by batch, with their deliveries; return how many."""
    before = now - timedelta(days=settings.PUSH_RETENTION_DAYS)
    return in_batches(lambda: _forget_some(before))


@retrying
@transaction.atomic
def _forget_some(before: datetime) -> int:
    waits = PushMessage.objects.filter(status__in=_WAITS)
    old = (
        PushMessage.objects.filter(created_at__lt=before)
        .exclude(status__in=_WAITS)
        .exclude(summary__in=waits)
    )
    locked = old.select_for_update(skip_locked=True).order_by("created_at", "id")
    ids = list(locked.values_list("id", flat=True)[:_AT_ONCE])
    rows = PushMessage.objects.filter(id__in=ids)
    for campaign_id, figures in sorted(counted(rows).items()):
        _keep(campaign_id, figures)
    return rows.delete()[1].get("notifications.PushMessage", 0)


def _keep(campaign_id: UUID, figures: CampaignFigures) -> None:
    counts = {f"kept_{name}": count for name, count in asdict(figures).items() if count}
    PushCampaign.objects.filter(id=campaign_id).update(**{name: F(name) + n for name, n in counts.items()})
