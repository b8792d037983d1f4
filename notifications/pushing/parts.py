"""Parts of a provider that know us by credentials of their own, and so refuse us each for itself.

At FCM the platforms: Apple's devices need a key of Apple's that Android's do without. Among browsers the push services,
by their line in ``WEBPUSH_ALLOWED_HOSTS``.
"""

from django.db.models import Q

from notifications.models import PushDevice, PushPlatform, PushProvider
from notifications.pushing import hosts


def part_of(device: PushDevice) -> str:
    """Return the name of a device's part: ``fcm:ios``, ``webpush:*.push.apple.com``.

    A browser whose host is off the list is in a part without a name of its own: nobody writes to it.
    """
    if device.provider == PushProvider.FCM:
        return f"{device.provider}:{device.platform}"
    try:
        return f"{device.provider}:{hosts.line_of(device.token)}"
    except hosts.NotAllowed:
        return f"{device.provider}:"


def devices_of(name: str, prefix: str = "") -> Q:
    """Return the condition for devices of a part; ``prefix`` leads to the device (``device__``)."""
    provider, _, what = name.partition(":")
    same = Q(**{f"{prefix}provider": provider})
    if provider == PushProvider.FCM:
        return same & Q(**{f"{prefix}platform": what})
    return same & Q(**{f"{prefix}token__iregex": hosts.entry_of(what).pattern})


def title(name: str) -> str:
    """Return how people call a provider or a part of one: "FCM", "FCM (iOS)", "Web Push (*.push.apple.com)"."""
    provider, _, what = name.partition(":")
    of = str(PushProvider(provider).label)
    if not what:
        return of
    return f"{of} ({PushPlatform(what).label if provider == PushProvider.FCM else what})"
