"""What devices tell: in any order, doubled, forged (REQ NO-04, NO-05)."""

import itertools
from typing import Any

import pytest
from django.test import Client

from config.local_stack.pushcatcher.testing import PushCatcher
from notifications.models import PushDelivery, PushDevice, PushMessage, PushStatus
from notifications.services.push import receipts
from notifications.tests.push import NOON, at, delivery_of, make_device, queue_push, run_due, stored

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/push-receipts"


def tell(client: Client, *told: tuple[str, str]) -> Any:
    """Post receipts as a service worker does: with nothing but what was in the message."""
    body = {"receipts": [{"receipt": receipt, "event": event} for receipt, event in told]}
    return client.post(PATH, body, content_type="application/json")


def sent(push_catcher: PushCatcher) -> tuple[PushMessage, str]:
    """Send a message to a browser; return it, and the receipt that the browser read in it."""
    message = queue_push(make_device(browser=push_catcher.subscribe()).user)
    run_due(at(1))
    return message, push_catcher.pushes()[-1].payload["data"]["receipt"]


def test_a_message_is_followed_to_its_opening(client: Client, push_catcher: PushCatcher) -> None:
    """REQ NO-04: delivered, then opened, each with its time; the device counts as seen."""
    message, receipt = sent(push_catcher)
    PushDevice.objects.update(last_seen_at=NOON.replace(year=2020))
    answer = tell(client, (receipt, "delivered"))
    assert (answer.status_code, answer.json()) == (202, {"recorded": 1})
    arrived = stored(message)
    assert (arrived.status, arrived.sent_at, arrived.opened_at) == (PushStatus.DELIVERED, at(1), None)
    assert arrived.delivered_at is not None
    assert PushDevice.objects.get().last_seen_at == arrived.delivered_at
    assert tell(client, (receipt, "opened")).json() == {"recorded": 1}
    assert (stored(message).status, delivery_of(message).status) == (PushStatus.OPENED, PushStatus.OPENED)
    assert tell(client, (receipt, "opened"), (receipt, "delivered")).json() == {"recorded": 0}
    assert stored(message).delivered_at == arrived.delivered_at


@pytest.mark.parametrize("order", [*itertools.permutations(["sent", "delivered", "opened"])], ids="-".join)
def test_statuses_never_go_backwards(push_catcher: PushCatcher, order: tuple[str, ...]) -> None:
    """REQ NO-05: whatever is heard first, the end is the same, and no step leads back."""
    message = queue_push(make_device(browser=push_catcher.subscribe()).user)
    delivery = delivery_of(message)
    rank = [PushStatus.QUEUED, PushStatus.SENT, PushStatus.DELIVERED, PushStatus.OPENED]
    seen = 0
    for event in order:
        if event == "sent":
            run_due(at(1))
        else:
            receipts.record([receipts.Receipt(delivery.id, is_opened=event == "opened")], now=at(2))
        now_at = rank.index(PushStatus(stored(message).status))
        assert now_at == rank.index(PushStatus(delivery_of(message).status)) >= seen
        seen = now_at
    assert stored(message).status == PushStatus.OPENED
    assert None not in (stored(message).sent_at, stored(message).delivered_at, stored(message).opened_at)


def test_one_that_arrived_is_not_sent_again(push_catcher: PushCatcher) -> None:
    """REQ NO-04: the answer was lost but the device told: the repetition does not happen."""
    message = queue_push(make_device(browser=push_catcher.subscribe()).user)
    push_catcher.fail("cut")
    run_due(at(0))
    receipts.record([receipts.Receipt(delivery_of(message).id, is_opened=False)], now=at(0.5))
    run_due(at(1))
    assert len(push_catcher.requests()) == 1
    assert stored(message).status == PushStatus.DELIVERED


def test_forged_receipts_are_refused_whole(client: Client, push_catcher: PushCatcher) -> None:
    """REQ NO-05: one receipt that is not ours among them: 400, named, and nothing is noted."""
    message, receipt = sent(push_catcher)
    name, _, signature = receipt.partition(":")
    before = list(PushDelivery.objects.values())
    for wrong in (f"{name}:{signature[::-1]}", f"{'0' * 32}:{signature}", "x", f"{name}"):
        answer = tell(client, (receipt, "opened"), (wrong, "opened"))
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
            ("receipts[1].receipt", "token_invalid")
        ]
    assert tell(client).status_code == 400
    assert tell(client, *[(receipt, "opened")] * 51).status_code == 400
    assert tell(client, (receipt, "clicked")).status_code == 400
    assert client.get(PATH).status_code == 405
    assert (list(PushDelivery.objects.values()), stored(message).status) == (before, PushStatus.SENT)
