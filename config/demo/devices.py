"""The demo's devices: browsers that the stand-in for push plays, so that its page shows what they would show."""

from datetime import datetime

import requests
from django.conf import settings

from accounts.models import User
from config.demo.people import People
from notifications.models import PushDevice
from notifications.services.devices import NewDevice, register_device

_OWNERS = ("vip", "standard1", "standard2", "standard3")
_SECONDS = 5


def seed_devices(people: People, *, now: datetime) -> int:
    """Register a browser for each of the owners that has no device yet, and a phone for the first.

    Returns how many; none without the stand-in.
    """
    if not settings.FCM_API_BASE:
        return 0
    owners = [people.users[login] for login in _OWNERS]
    bare = [owner for owner in owners if not PushDevice.objects.filter(user=owner).exists()]
    added = 0
    for owner in bare:
        browser = _subscribed(owner)
        if browser is None:
            break
        register_device(owner, browser, now=now)
        added += 1
        if owner == owners[0]:
            phone = NewDevice("fcm", f"demo-phone:{owner.pk.hex}", "android", app="demo")
            register_device(owner, phone, now=now)
            added += 1
    return added


def _subscribed(owner: User) -> NewDevice | None:
    """Return a browser's subscription, None when the stand-in is away."""
    try:
        answer = requests.post(
            f"{settings.FCM_API_BASE}/_push/browsers",
            json={"name": f"Browser of {owner.email}"},
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        told = answer.json()
    except (requests.RequestException, ValueError):
        return None
    return NewDevice("webpush", told["endpoint"], "web", app="demo", keys=told["keys"])
