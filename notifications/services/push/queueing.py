"""Queueing push: a row for each message, one for each device, and its job, in the caller's transaction.

A fixed number of statements, however many people there are. Whoever has no device gets no row
(docs/decisions/0011-push.md).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from common import outbox
from common.outbox import NewJob
from common.outbox.ids import new_id
from notifications import kinds
from notifications.models import PushDevice, PushStatus
from notifications.push import PushMessage
from notifications.pushing import providers
from notifications.services.preferences import Channel, Decision, decide

URGENT_KIND: Final = "notifications.send_push"
BULK_KIND: Final = "notifications.send_bulk_push"
MUTED: Final = "The person does not want this kind of message by push"
QUIET: Final = "Quiet hours"
LARGEST_DATA: Final = 2000
# Of somebody who registered more, the latest are told.
MOST_DEVICES: Final = 20
_LONGEST_TITLE, _LONGEST_BODY = 200, 1000
# FCM: words that are its own ("Message.data"). The others are ours.
_RESERVED: Final = frozenset({"from", "notification", "message_type", "message_id", "receipt"})

# One row a message; those whose key was used before are left out.
_INSERT: Final = """
INSERT INTO notifications_pushmessage (id, organization_id, user_id, campaign_id, kind, title, body, data, is_urgent,
    status, status_reason, dedupe_key, not_before, not_after, created_at)
SELECT given.id, given.organization_id, given.user_id, given.campaign_id, given.kind, given.title, given.body,
    given.data::jsonb, given.is_urgent, given.status, given.reason, given.dedupe_key, given.not_before,
    given.not_after, %(now)s
FROM unnest(%(id)s::uuid[], %(organization_id)s::uuid[], %(user_id)s::uuid[], %(campaign_id)s::uuid[],
    %(kind)s::text[], %(title)s::text[], %(body)s::text[], %(data)s::text[], %(is_urgent)s::boolean[],
    %(status)s::text[], %(reason)s::text[], %(dedupe_key)s::text[], %(not_before)s::timestamptz[],
    %(not_after)s::timestamptz[])
    AS given (id, organization_id, user_id, campaign_id, kind, title, body, data, is_urgent, status, reason,
        dedupe_key, not_before, not_after)
ORDER BY given.dedupe_key
ON CONFLICT (dedupe_key) DO NOTHING
RETURNING id
"""
_INSERT_DELIVERIES: Final = """
INSERT INTO notifications_pushdelivery (id, message_id, device_id, status, attempts, last_error,
    provider_message_id, created_at)
SELECT given.id, given.message_id, given.device_id, %(status)s, 0, '', '', %(now)s
FROM unnest(%(id)s::uuid[], %(message_id)s::uuid[], %(device_id)s::uuid[]) AS given (id, message_id, device_id)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a batch: the new messages, and how many people have no device."""

    message_ids: tuple[UUID, ...]
    without_device: int


@dataclass(frozen=True, slots=True)
class _Device:
    id: UUID
    provider: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message with what was decided about it."""

    id: UUID
    message: PushMessage
    status: PushStatus
    reason: str
    not_before: datetime | None

    def row(self) -> dict[str, Any]:
        """Return its columns."""
        message = self.message
        return {
            "id": self.id,
            "organization_id": message.organization_id,
            "user_id": message.user_id,
            "campaign_id": message.campaign_id,
            "kind": message.kind,
            "title": _cut(message.title, _LONGEST_TITLE),
            "body": _cut(message.body, _LONGEST_BODY),
            "data": json.dumps(message.data),
            "is_urgent": message.urgent,
            "status": self.status.value,
            "reason": self.reason,
            "dedupe_key": message.dedupe_key,
            "not_before": self.not_before,
            "not_after": message.not_after,
        }


def channel(messages: Sequence[PushMessage], now: datetime) -> None:
    """Take messages: what ``notifications.push`` calls."""
    queue(messages, now=now)


def queue(
    messages: Sequence[PushMessage], *, now: datetime, only_devices: Collection[UUID] | None = None
) -> Written:
    """Queue messages in the caller's transaction; they go out after the commit, to every device that is on.

    Five statements, one more for each further kind of message. What somebody does not want is kept as suppressed, what
    comes in their quiet hours waits. ``only_devices``: to these alone. Raises ``ValueError`` for data that no
    provider would carry, and for a message of no kind that comes by push: nobody could say whether people may do
    without it, a fault of the room that pushes it, found by its first test.
    """
    for message in messages:
        _check(message)
    people = {message.user_id for message in messages}
    devices = _devices(people, only_devices)
    ready = _decided([message for message in messages if message.user_id in devices], now=now)
    if not ready:
        return Written((), len(people))
    with transaction.atomic(savepoint=False):
        new = _insert(ready, now=now)
        going = [one for one in ready if one.id in new and one.status != PushStatus.SUPPRESSED]
        _deliver(going, devices, now=now)
    return Written(tuple(one.id for one in ready if one.id in new), len(people - devices.keys()))


def sending_job(
    delivery_id: UUID,
    provider: str,
    *,
    is_urgent: bool,
    campaign_id: UUID | None,
    organization_id: UUID | None,
    run_at: datetime | None = None,
    not_after: datetime | None = None,
) -> NewJob:
    """Return the job that sends one delivery; while one is pending or running a second is not written."""
    payload = {"delivery_id": str(delivery_id), "provider": provider}
    if campaign_id is not None:
        payload["campaign_id"] = str(campaign_id)
    return NewJob(
        URGENT_KIND if is_urgent else BULK_KIND,
        payload,
        run_at=run_at,
        dedupe_key=job_key(delivery_id),
        not_after=not_after,
        organization_id=organization_id,
    )


def job_key(delivery_id: UUID | str) -> str:
    """Return the dedupe key of the job that sends this delivery."""
    return f"push:{delivery_id}"


def add_deliveries(
    message: PushMessage, message_id: UUID, device_ids: Collection[UUID] | None, *, now: datetime
) -> int:
    """Have a message that is written already go to the person's devices; return to how many. Three statements."""
    devices = _devices({message.user_id}, device_ids)
    one = _Ready(message_id, message, PushStatus.QUEUED, "", None)
    _deliver([one], devices, now=now)
    return sum(len(found) for found in devices.values())


def _devices(user_ids: Collection[UUID], only: Collection[UUID] | None) -> dict[UUID, list[_Device]]:
    rows = PushDevice.objects.filter(
        user_id__in=user_ids, is_active=True, provider__in=providers.configured()
    ).order_by("-registered_at", "-id")
    if only is not None:
        rows = rows.filter(id__in=only)
    found: dict[UUID, list[_Device]] = defaultdict(list)
    for device_id, user_id, provider in rows.values_list("id", "user_id", "provider"):
        if len(found[user_id]) < MOST_DEVICES:
            found[user_id].append(_Device(device_id, provider))
    return found


def _decided(messages: Sequence[PushMessage], *, now: datetime) -> list[_Ready]:
    people: dict[str, set[UUID]] = defaultdict(set)
    for message in messages:
        people[message.kind].add(message.user_id)
    decisions = {kind: decide(who, kind=kind, channel=Channel.PUSH, now=now) for kind, who in people.items()}
    return [_judged(message, decisions[message.kind][message.user_id]) for message in messages]


def _judged(message: PushMessage, decision: Decision) -> _Ready:
    if not decision.allowed:
        return _Ready(new_id(), message, PushStatus.SUPPRESSED, MUTED, None)
    if decision.not_before is not None and not message.urgent:
        return _Ready(new_id(), message, PushStatus.HELD, QUIET, decision.not_before)
    return _Ready(new_id(), message, PushStatus.QUEUED, "", None)


def _insert(ready: Sequence[_Ready], *, now: datetime) -> set[UUID]:
    rows = [one.row() for one in ready]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns | {"now": now})
        return {row[0] for row in cursor.fetchall()}


def _deliver(going: Sequence[_Ready], devices: dict[UUID, list[_Device]], *, now: datetime) -> None:
    new = [(new_id(), one, device) for one in going for device in devices.get(one.message.user_id, ())]
    if not new:
        return
    columns = {
        "id": [delivery_id for delivery_id, _, _ in new],
        "message_id": [one.id for _, one, _ in new],
        "device_id": [device.id for _, _, device in new],
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_DELIVERIES, columns | {"now": now, "status": PushStatus.QUEUED.value})
    jobs = [
        sending_job(
            delivery_id,
            device.provider,
            is_urgent=one.message.urgent,
            campaign_id=one.message.campaign_id,
            organization_id=one.message.organization_id,
            run_at=one.not_before,
            not_after=one.message.not_after,
        )
        for delivery_id, one, device in new
    ]
    outbox.post(jobs, now=now)


def _check(message: PushMessage) -> None:
    kind = kinds.find(message.kind)
    if kind is None or Channel.PUSH not in kind.channels:
        raise ValueError(f"Push messages of no kind that comes by push: {message.kind}")
    wrong = [name for name in message.data if name in _RESERVED or name.startswith(("google", "gcm"))]
    if wrong:
        raise ValueError(f"Push data cannot be named {', '.join(wrong)}")
    if len(json.dumps(message.data)) > LARGEST_DATA:
        raise ValueError(f"Push data has {LARGEST_DATA} bytes at most")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
