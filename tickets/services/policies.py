"""How an event's doors check in."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common.audit import changes_between, record, snapshot
from common.db import retrying
from common.types import Actor
from events.models import Event
from tickets.models import CheckInPolicy


def policy_of(event: Event) -> CheckInPolicy:
    """Return the event's policy, or the strict one that holds without a row. A query, unless it was joined."""
    try:
        return event.checkin_policy
    except CheckInPolicy.DoesNotExist:
        return CheckInPolicy(event=event)


@retrying
@transaction.atomic
def set_policy(
    *, actor: Actor, event_id: UUID, accepts_printed: bool, allows_reentry: bool, now: datetime
) -> CheckInPolicy:
    """Say what the event's doors accept, from the next scan on. Raises what ``access.require`` raises."""
    event = Event.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.MANAGE_EVENTS)
    policy = policy_of(event)
    before = snapshot(policy)
    policy.accepts_printed, policy.allows_reentry, policy.updated_at = accepts_printed, allows_reentry, now
    policy.save()
    changes = {name: pair for name, pair in changes_between(before, policy).items() if name != "updated_at"}
    record(
        actor=actor, action="tickets.set_checkin_policy", subject=policy,
        organization_id=event.organization_id, changes=changes, now=now,
    )  # fmt: skip
    return policy
