"""What devices tell: it arrived, it was opened. The token in the message is what lets them say so (REQ NO-04)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Greatest

from common.db import retrying
from common.errors import FieldError, Invalid
from notifications.models import PushDelivery, PushDevice, PushStatus
from notifications.services.push import metrics, progress

MOST: Final = 50
_SALT: Final = "notifications.push.receipt"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message's news from one device."""

    delivery_id: UUID
    is_opened: bool


def token_of(delivery_id: UUID) -> str:
    """Return the token by which one device tells of one message."""
    return signing.Signer(salt=_SALT).sign(delivery_id.hex)


def read(token: str, *, is_opened: bool, field: str = "receipt") -> Receipt:
    """Return what a token names; raises ``Invalid`` at ``field`` for one that we did not sign."""
    try:
        return Receipt(UUID(signing.Signer(salt=_SALT).unsign(token)), is_opened)
    except (signing.BadSignature, ValueError) as error:
        wrong = FieldError(field, "token_invalid", "This is not a receipt of ours.")
        raise Invalid(errors=[wrong]) from error


@retrying
@transaction.atomic
def record(receipts: Sequence[Receipt], *, now: datetime) -> int:
    """Note what devices tell and return how many deliveries it was news of. In any order, however often.

    Opened says delivered too. A device that tells something is alive: it counts as seen.
    """
    opened = {one.delivery_id for one in receipts if one.is_opened}
    delivered = {one.delivery_id for one in receipts} - opened
    return _advance(opened, PushStatus.OPENED, now=now) + _advance(delivered, PushStatus.DELIVERED, now=now)


def _advance(delivery_ids: set[UUID], status: PushStatus, *, now: datetime) -> int:
    if not delivery_ids:
        return 0
    known = PushDelivery.objects.filter(id__in=delivery_ids)
    found = list(known.order_by("message_id").values_list("id", "message_id", "device_id"))
    progress.advance_message(sorted({one[1] for one in found}), status, now=now)
    moved = progress.advance_deliveries([one[0] for one in found], status, now=now)
    seen = Q(id__in=[one[2] for one in found if one[2] is not None]) & Q(last_seen_at__lt=now)
    PushDevice.objects.filter(seen).update(last_seen_at=Greatest("last_seen_at", now))
    metrics.receipts(status.value, moved)
    return moved
