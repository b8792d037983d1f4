"""Which providers there are here, and the one door to them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings

from notifications.models import PushProvider
from notifications.pushing import fcm, webpush
from notifications.pushing.types import Outgoing, Target, Verdict

Send = Callable[[Outgoing, Target], Verdict]

_SENDERS: Final = {PushProvider.FCM: fcm.send, PushProvider.WEBPUSH: webpush.send}


def configured() -> set[str]:
    """Return the providers that have their keys here; devices of others are not written to."""
    found = set()
    if settings.FCM_CREDENTIALS_FILE:
        found.add(PushProvider.FCM.value)
    if settings.WEBPUSH_VAPID_PRIVATE_KEY and settings.WEBPUSH_VAPID_SUBJECT:
        found.add(PushProvider.WEBPUSH.value)
    return found


def send(outgoing: Outgoing, target: Target, *, now: datetime) -> Verdict:
    """Hand one message to the provider of a device and judge its answer; never raises for what that does."""
    return _SENDERS[PushProvider(target.provider)](outgoing, target, now=now)
