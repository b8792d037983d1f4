"""What `/readyz` says of the channels (REQ OP-02)."""

from datetime import timedelta

import pytest
from django.test import Client

from common import clock
from notifications.models import EmailChannel, PushChannel

pytestmark = pytest.mark.django_db


def states(client: Client) -> dict[str, object]:
    """Return what is said of the channels."""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    return {name: (checks[name]["status"], checks[name].get("reason")) for name in ("email", "push")}


def test_a_paused_channel_is_named_and_the_product_goes_on(client: Client) -> None:
    """REQ OP-02, NO-02: which one, not why; and no longer once the pause is over."""
    assert states(client) == {"email": ("up", None), "push": ("up", None)}
    now = clock.now()
    later = now + timedelta(minutes=5)
    EmailChannel.objects.create(paused_until=later, reason="535 key of us", changed_at=now)
    PushChannel.objects.create(provider="fcm", paused_until=later, reason="quota", changed_at=now)
    assert states(client) == {"email": ("down", "paused"), "push": ("down", "paused: fcm")}
    EmailChannel.objects.update(paused_until=now)
    PushChannel.objects.update(paused_until=None)
    assert states(client) == {"email": ("up", None), "push": ("up", None)}
