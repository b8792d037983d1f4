"""Webhooks one by one: ``told(stripe, kind)`` is what Stripe has to tell, ``hear(client, event)`` posts it, signed."""

import hmac
import json
from hashlib import sha256
from typing import Any

import requests
from django.conf import settings
from django.test import Client

from common import clock
from common.inbox.models import InboxEvent
from payments.tests.factories import work_money
from sandbox.testing import SandboxProcess

_URL = "/api/v1/webhooks/stripe/offers"


def told(stripe: SandboxProcess, kind: str) -> dict[str, Any]:
    """Return the newest event of a type at Stripe."""
    answer = requests.get(
        f"{stripe.base_url}/v1/events", {"type": kind, "limit": "1"}, auth=("sk_test_hear", ""), timeout=30
    )
    [event] = answer.json()["data"]
    return dict(event)


def hear(client: Client, event: dict[str, Any]) -> InboxEvent:
    """Post one event to the product's door, have a worker work it, and return what came of it."""
    body, at = json.dumps(event).encode(), int(clock.now().timestamp())
    digest = hmac.new(settings.STRIPE_WEBHOOK_SECRETS[0].encode(), b"%d.%b" % (at, body), sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={digest}"}
    answer = client.post(_URL, body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    work_money()
    return InboxEvent.objects.get(event_id=event["id"])
