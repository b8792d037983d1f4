"""What staff do to push messages and devices; each act is audited."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import Membership
from accounts.services import access
from accounts.types import ROLE_CAPABILITIES, Capability
from common import audit, outbox, ratelimits
from common.db import retrying
from common.errors import Forbidden
from common.models import Job
from common.outbox import dead_letters
from common.outbox.dead_letters import LONGEST_REASON
from common.outbox.ids import new_id
from common.outbox.types import JobStatus
from common.ratelimits import RateLimit
from common.types import Actor
from events.models import Registration
from notifications import kinds
from notifications.errors import DeviceOff, PushNotResendable, PushTooLate
from notifications.models import PushChannel, PushDelivery, PushDevice, PushMessage, PushProvider, PushStatus
from notifications.push import PushMessage as NewPush
from notifications.selectors.push import paused_names
from notifications.services.push import queueing, recording
from notifications.services.push.queueing import job_key, sending_job

# Of one device, by whoever: it rings at any hour.
TESTS_AN_HOUR: Final = RateLimit("push.test", 5, seconds=3600)


@retrying
@transaction.atomic
def send_again(message_id: UUID, *, actor: Actor, reason: str, now: datetime) -> PushMessage:
    """Try a failed message again on every device of it that is still on, with all its attempts.

    Its dead jobs come back, so the dead letters keep nothing of what goes out; it goes out under the same id. Raises
    ``PushNotResendable``, ``PushTooLate`` after its ``not_after``, and what ``access.require`` raises.
    """
    message = PushMessage.objects.select_for_update().filter(id=message_id).first()
    if message is None or (message.organization_id is None and not access.may_do_all(actor)):
        access.refuse_missing(actor)
    if message.organization_id is not None:
        access.require(actor, message.organization_id, Capability.MANAGE_EVENTS)
    failed = message.deliveries.filter(status=PushStatus.FAILED, device__is_active=True)
    deliveries = list(failed.select_related("device").order_by("id"))
    if message.status != PushStatus.FAILED or not deliveries:
        raise PushNotResendable
    if message.not_after is not None and message.not_after <= now:
        raise PushTooLate
    failed.update(status=PushStatus.QUEUED, not_before=None)
    # It takes its place among the messages of an hour anew.
    message.status, message.status_reason, message.begun_at = PushStatus.QUEUED, "", None
    message.save(update_fields=["status", "status_reason", "begun_at"])
    _give_jobs(message, deliveries, actor=actor, reason=reason, now=now)
    audit.record(
        actor=actor,
        action="notifications.send_push_again",
        subject=message,
        organization_id=message.organization_id,
        reason=reason,
        changes={"status": [PushStatus.FAILED.value, message.status]},
        now=now,
    )
    return message


@retrying
@transaction.atomic
def send_test(device_id: UUID, *, actor: Actor, reason: str, now: datetime) -> UUID:
    """Send a test message to one device, at once and at any hour, and return the message's id.

    For operators, and for staff of an organization at one of whose events the owner is registered. Raises
    ``DeviceOff``, ``NotFound`` for anybody else's device, ``Unauthenticated``, ``RateLimited`` after five in an hour.
    """
    device = PushDevice.objects.filter(id=device_id).first()
    organization_id = None if device is None else _organization_of(device, actor)
    if device is None or (organization_id is None and not access.may_do_all(actor)):
        access.refuse_missing(actor)
    ratelimits.hit(TESTS_AN_HOUR, str(device.id))
    test = NewPush(
        user_id=device.user_id,
        kind=kinds.TEST_MESSAGE,
        title="A test message",
        body="If you can read this, push messages reach this device.",
        dedupe_key=f"test:{new_id()}",
        urgent=True,
        organization_id=organization_id,
    )
    written = queueing.queue([test], now=now, only_devices=[device.id])
    if not written.message_ids:
        raise DeviceOff
    audit.record(
        actor=actor,
        action="notifications.send_test_push",
        subject=device,
        organization_id=organization_id,
        reason=reason,
        now=now,
    )
    return written.message_ids[0]


@retrying
@transaction.atomic
def resume_provider(provider: PushProvider, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Let a provider, and each part of it, be written to before its pause ends by itself.

    False, and no entry, when nothing of it was paused. The channel is everybody's: raises ``Forbidden`` for all but
    superusers.
    """
    if not access.may_do_all(actor):
        raise Forbidden
    PushChannel.objects.bulk_create([PushChannel(provider=provider, changed_at=now)], ignore_conflicts=True)
    channel = PushChannel.objects.select_for_update().get(provider=provider)
    names = [name for name in paused_names(now) if name.partition(":")[0] == provider]
    if not recording.resume(provider, now=now):
        return False
    audit.record(
        actor=actor,
        action="notifications.resume_push",
        subject=channel,
        organization_id=None,
        reason=reason,
        changes={"paused": [names, []]},
        now=now,
    )
    return True


def _organization_of(device: PushDevice, actor: Actor) -> UUID | None:
    """Return the organization in whose name the actor may write to the device's owner, None when there is none."""
    if actor.user_id is None:
        return None
    roles = [role for role, held in ROLE_CAPABILITIES.items() if Capability.MANAGE_EVENTS in held]
    mine = Membership.objects.filter(user_id=actor.user_id, role__in=roles).values("organization_id")
    known = Registration.objects.filter(user_id=device.user_id, event__organization_id__in=mine)
    return known.order_by("id").values_list("event__organization_id", flat=True).first()


def _give_jobs(
    message: PushMessage, deliveries: list[PushDelivery], *, actor: Actor, reason: str, now: datetime
) -> None:
    """Bring the dead jobs back, so that nothing stays dead that goes out; new ones where none died."""
    keys = {job_key(one.id): one for one in deliveries}
    dead = dict(
        Job.objects.filter(dedupe_key__in=keys, status=JobStatus.DEAD)
        .order_by("finished_at", "id")
        .values_list("dedupe_key", "pk")
    )
    why = reason[:LONGEST_REASON] or "The message is sent again"
    if dead:
        dead_letters.retry(list(dead.values()), actor=actor, reason=why, now=now)
    jobs = [
        sending_job(
            one.id,
            one.device.provider,
            is_urgent=message.is_urgent,
            campaign_id=message.campaign_id,
            organization_id=message.organization_id,
            not_after=message.not_after,
        )
        for one in deliveries
        if one.device is not None
    ]
    # A job that came back holds its key: no second one is written.
    outbox.enqueue_many(jobs, now=now)
    left = Job.objects.filter(dedupe_key__in=keys, status=JobStatus.DEAD).values_list("pk", flat=True)
    if doubles := list(left):
        dead_letters.discard(doubles, actor=actor, reason=why, now=now)
