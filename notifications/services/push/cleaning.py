"""Devices that nobody uses any more: switched off when they were not seen for long, forgotten later (REQ NO-04)."""

from datetime import datetime, timedelta
from typing import Final

from notifications.models import PushDevice, PushPlatform
from notifications.services.push import metrics

# A browser asks for its subscription at each visit, an app at each start.
# FCM ("Manage registration tokens"): a token is stale after a month, and Android's expire after 270 days.
IDLE: Final = {
    PushPlatform.WEB: timedelta(days=30),
    PushPlatform.ANDROID: timedelta(days=270),
    PushPlatform.IOS: timedelta(days=270),
}
FORGOTTEN_AFTER: Final = timedelta(days=90)
_AT_ONCE: Final = 1000


def switch_off_idle(*, now: datetime) -> int:
    """Switch off what was not seen for long, batch by batch, and return how many devices that were."""
    switched = 0
    for platform, idle in IDLE.items():
        unseen = PushDevice.objects.filter(platform=platform, is_active=True, last_seen_at__lt=now - idle)
        reason = f"It was not seen for {idle.days} days"
        while ids := list(unseen.order_by("last_seen_at").values_list("id", flat=True)[:_AT_ONCE]):
            # Asked again: one that is seen meanwhile stays.
            off = unseen.filter(id__in=ids).update(is_active=False, disabled_reason=reason, disabled_at=now)
            switched += off
            if not off:
                break
    metrics.switched_off("idle", switched)
    return switched


def forget_old(*, now: datetime) -> int:
    """Delete devices that have been off for 90 days, batch by batch, and return how many; their messages stay."""
    forgotten = 0
    off = PushDevice.objects.filter(is_active=False, disabled_at__lt=now - FORGOTTEN_AFTER)
    while ids := list(off.order_by("disabled_at").values_list("id", flat=True)[:_AT_ONCE]):
        # Asked again: one that registered meanwhile stays.
        deleted = off.filter(id__in=ids).delete()[1].get("notifications.PushDevice", 0)
        forgotten += deleted
        if not deleted:
            break
    return forgotten
