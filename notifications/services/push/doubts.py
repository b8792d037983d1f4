"""Whose fault it is when a provider refuses who we are: our account's, or one device's (REQ NO-04).

A part of a provider (``pushing.parts``) that takes messages for other people does know us. What it took before it
refused says nothing: a key may have ended, or a wrong one been deployed, in between. So the device is asked again some
minutes later, alone where the part was well a while ago, and counts only what was taken since the first refusal.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q

from notifications.models import PushDelivery, PushDevice
from notifications.pushing import parts
from notifications.pushing.types import Outcome, Verdict
from notifications.services.push import progress

# A minute longer than a part pauses: those who are new to it are asked first, and so clear up who is at fault.
ASKED_AGAIN: Final = timedelta(minutes=6)
_ANSWERED_WITHIN: Final = timedelta(minutes=5)
# So long ago is no news: it begins anew.
_LATELY: Final = timedelta(hours=1)


def judged(device: PushDevice, verdict: Verdict, *, now: datetime) -> Verdict:
    """Return what a doubted refusal comes to, in the caller's transaction.

    ``refused``, and the device is to blame: others were taken since it was refused first. ``doubted``: it alone waits.
    ``paused``: nobody of its part was taken for long, so the part waits.
    """
    name = parts.part_of(device)
    since = _doubted_since(device, now=now)
    if _took_others(device, name, after=since):
        return replace(verdict, outcome=Outcome.REFUSED, blames_device=True)
    is_new = since > now - _ANSWERED_WITHIN
    if is_new and _took_others(device, name, after=now - _LATELY):
        return verdict
    return replace(verdict, outcome=Outcome.PAUSED, part=name)


def _doubted_since(device: PushDevice, *, now: datetime) -> datetime:
    """Return when the doubt began that is open: now, unless this registration was doubted within the hour."""
    known = PushDevice.objects.filter(id=device.id)
    is_over = Q(doubted_at=None) | Q(doubted_at__lt=now - _LATELY) | Q(doubted_at__lt=F("registered_at"))
    known.filter(is_over).update(doubted_at=now)
    return known.values_list("doubted_at", flat=True).first() or now


def _took_others(device: PushDevice, name: str, *, after: datetime) -> bool:
    """Say whether the part took a message for another person after that moment."""
    taken = PushDelivery.objects.filter(
        parts.devices_of(name, "device__"),
        message__sent_at__gt=after - _LATELY,
        status__in=progress.ARRIVED,
        sent_at__gt=after,
    )
    return taken.exclude(device__user_id=device.user_id).exists()
