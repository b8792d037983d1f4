"""What sending tells about a device: it took one, it failed, it is gone."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Q

from notifications.models import PushDevice
from notifications.services.push import metrics

# A provider that is away for some hours is no fault of a device.
_FAILING_FOR: Final = timedelta(days=1)
GONE: Final = "The provider says that it is gone"
FAILING: Final = "Too many messages failed one after the other"

log = structlog.get_logger(__name__)


def took_one(device_id: UUID) -> None:
    """Forget the failures of a device; writes only where there are some."""
    failing = PushDevice.objects.filter(
        Q(failure_count__gt=0) | Q(failing_since__isnull=False) | Q(doubted_at__isnull=False), id=device_id
    )
    failing.update(failure_count=0, failing_since=None, doubted_at=None, last_error="")


def is_gone(device_id: UUID, error: str, *, asked_at: datetime, now: datetime) -> bool:
    """Switch a device off that its provider does not know any more; False when it was registered again meanwhile."""
    known = PushDevice.objects.filter(id=device_id, is_active=True, registered_at__lte=asked_at)
    is_off = bool(
        known.update(is_active=False, disabled_reason=GONE, disabled_at=now, last_error=error[:500])
    )
    if is_off:
        metrics.switched_off("gone")
    return is_off or PushDevice.objects.filter(id=device_id, is_active=False).exists()


def failed(device_id: UUID, error: str, *, is_own_fault: bool, asked_at: datetime, now: datetime) -> None:
    """Count a delivery that failed for good, in the caller's transaction.

    ``PUSH_DEVICE_FAILURES`` in a row switch the device off: at once when it is refused for what it is; when the
    provider merely did not answer only after a day of it.
    """
    known = PushDevice.objects.select_for_update()
    device = known.filter(id=device_id, is_active=True, registered_at__lte=asked_at).first()
    if device is None:
        return
    device.failure_count += 1
    device.failing_since = device.failing_since or now
    device.last_error = error[:500]
    is_long = is_own_fault or device.failing_since <= now - _FAILING_FOR
    if device.failure_count >= settings.PUSH_DEVICE_FAILURES and is_long:
        device.is_active, device.disabled_reason, device.disabled_at = False, FAILING, now
        metrics.switched_off("failing")
        log.warning("push_device_switched_off", device_id=str(device_id), error=error)
    device.save()
