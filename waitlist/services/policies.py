"""What organizers decide about a session's waitlist: pausing offers, closing it, groups, who counts as what."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.types import Capability
from common.db import retrying
from common.errors import FieldError, Invalid
from common.types import Actor
from events.models import Session
from tickets.models import Priority, TicketTier
from waitlist import selectors
from waitlist.models import GroupRule, TierPriority
from waitlist.services import history
from waitlist.services.filling import locked_queue
from waitlist.services.queue import Queue
from waitlist.types import PolicyInput, Standing

SHORTEST_MINUTES, LONGEST_MINUTES = 1, 7 * 24 * 60
# PostgreSQL keeps times that Python cannot read back: a mistyped year must not make a queue unreadable.
CLOSING_WITHIN = timedelta(days=3650)


@retrying
def pause(*, actor: Actor, session_id: UUID, reason: str = "", now: datetime) -> Standing:
    """Stop offers that would go out by themselves; staff may still offer. Pausing twice changes nothing.

    Raises what ``selectors.managed_session`` raises, ``Invalid``, ``Busy``.
    """
    return _set_paused(actor, session_id, True, reason, now)


@retrying
def resume(*, actor: Actor, session_id: UUID, reason: str = "", now: datetime) -> Standing:
    """Let offers go out again, and offer what is free at once. Raises as ``pause`` does."""
    return _set_paused(actor, session_id, False, reason, now)


@retrying
def change_policy(
    *, actor: Actor, session_id: UUID, policy: PolicyInput, reason: str = "", now: datetime
) -> Standing:
    """Change the group rule, the closing time, how long offers last, and what ticket tiers count for.

    Entries keep the place that they have; who joins from now on gets theirs by the new terms. Raises what
    ``selectors.managed_session`` raises, ``Invalid`` by field, ``Busy``.
    """
    session = selectors.managed_session(actor, session_id, Capability.MANAGE_WAITLIST)
    _check(policy, session, now)
    with locked_queue(session_id, now=now) as queue:
        stored = queue.policy
        seconds = None if policy.offer_minutes is None else policy.offer_minutes * 60
        changes: dict[str, list[Any]] = {
            "group_rule": [stored.group_rule, policy.group_rule],
            "closes_at": [stored.closes_at, policy.closes_at],
            "offer_seconds": [stored.offer_seconds, seconds],
        }
        stored.group_rule, stored.closes_at = policy.group_rule, policy.closes_at
        stored.offer_seconds = seconds
        stored.save()
        changes["priorities"] = _set_priorities(session_id, policy.priorities)
        _note(queue, actor, "waitlist.change_policy", reason, changes)
    return selectors.standing(actor, session_id, now=now)


def _set_paused(actor: Actor, session_id: UUID, is_paused: bool, reason: str, now: datetime) -> Standing:
    selectors.managed_session(actor, session_id, Capability.MANAGE_WAITLIST)
    with locked_queue(session_id, now=now) as queue:
        policy = queue.policy
        if policy.offers_paused != is_paused:
            policy.offers_paused = is_paused
            policy.paused_at = now if is_paused else None
            policy.pause_reason = reason if is_paused else ""
            changes = {"offers_paused": [not is_paused, is_paused]}
            action = "waitlist.pause" if is_paused else "waitlist.resume"
            _note(queue, actor, action, reason, changes)
            policy.save()
    return selectors.standing(actor, session_id, now=now)


def _check(policy: PolicyInput, session: Session, now: datetime) -> None:
    errors = []
    if policy.group_rule not in GroupRule.values:
        errors.append(
            FieldError("group_rule", "invalid_choice", f"Choose one of {', '.join(GroupRule.values)}.")
        )
    minutes = policy.offer_minutes
    if minutes is not None and not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        message = f"Give {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes."
        errors.append(FieldError("offer_minutes", "out_of_range", message))
    if policy.closes_at is not None and abs(policy.closes_at - now) > CLOSING_WITHIN:
        errors.append(FieldError("closes_at", "out_of_range", "Give a time within ten years from now."))
    errors += _priority_errors(policy.priorities, session)
    if errors:
        raise Invalid(errors=errors)


def _priority_errors(priorities: Mapping[UUID, str], session: Session) -> list[FieldError]:
    known = set(
        TicketTier.objects.filter(event_id=session.event_id, pk__in=priorities).values_list("pk", flat=True)
    )
    errors = []
    for tier_id, priority in priorities.items():
        if tier_id not in known:
            errors.append(FieldError("priorities", "unknown", "A tier is not one of this event."))
        if priority not in Priority.values:
            choices = ", ".join(Priority.values)
            errors.append(FieldError("priorities", "invalid_choice", f"Choose one of {choices}."))
    return errors


def _set_priorities(session_id: UUID, priorities: Mapping[UUID, str]) -> list[Any]:
    stored = TierPriority.objects.filter(session_id=session_id)
    before = {str(row.tier_id): row.priority for row in stored}
    stored.delete()
    TierPriority.objects.bulk_create(
        TierPriority(session_id=session_id, tier_id=tier_id, priority=priority)
        for tier_id, priority in priorities.items()
    )
    return [before, {str(tier_id): str(priority) for tier_id, priority in priorities.items()}]


def _note(queue: Queue, actor: Actor, action: str, reason: str, changes: Mapping[str, list[Any]]) -> None:
    changed = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if changed:
        queue.is_changed = True
        history.note(queue, actor, action, queue.session, reason=reason, changes=changed)
