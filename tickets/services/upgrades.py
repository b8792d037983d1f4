"""Moving a ticket to a better tier: reserve, settle, release, reverse; each idempotent by its cause.

The cause is what pays for it (the purchase of an upgrade). Locks: tiers by id, then the ticket (DESIGN, lock
order), so the counters of both tiers and the ticket always tell the same story. All run in the caller's
transaction, or in one of their own.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from common.audit import record
from common.errors import Busy, NotFound
from common.facts import TicketsReduced
from common.outbox import publish
from common.types import SYSTEM
from events.services.registrations import lock_registration
from tickets.errors import UpgradeInProgress, UpgradeNotPossible, UpgradeSuperseded
from tickets.models import Ticket, TicketStatus, TicketTier, TierChange, TierChangeStatus
from tickets.services.posting import owe_moved
from tickets.services.stock import lock_tier, lock_tiers, move, require_room

__all__ = [
    "is_still_possible",
    "lock_tier",
    "release_upgrade",
    "reserve_upgrade",
    "reverse_upgrade",
    "settle_upgrade",
]


@transaction.atomic
def reserve_upgrade(
    *, ticket_id: UUID, to_tier_id: UUID, user_id: UUID, cause: UUID, now: datetime
) -> TierChange:
    """Hold one place in the target tier for the holder's ticket.

    A cause that holds a place, or has settled, keeps it; one that was released takes a place again. Raises
    ``NotFound`` unless the ticket is the user's own and of the tier's event, ``UpgradeNotPossible`` for a
    ticket that is void or stopped, has fallen since its cause was paid for, or a tier that is not above its own,
    ``UpgradeInProgress``, ``TierSoldOut``. Five statements.
    """
    target = lock_tier(to_tier_id)
    ticket = _lock_ticket(ticket_id)
    if ticket.holder_id != user_id or ticket.event_id != target.event_id:
        raise NotFound
    own, is_other_open = _earlier(ticket, cause)
    if own is not None and own.status in {TierChangeStatus.RESERVED, TierChangeStatus.SETTLED}:
        return own
    _require_movable(own, ticket, target)
    if is_other_open:
        raise UpgradeInProgress
    require_room(target)
    move(target.pk, reserved=1)
    if own is not None:
        return _hold_again(own, ticket, now=now)
    return TierChange.objects.create(
        ticket=ticket, from_tier=ticket.tier, to_tier=target, cause=cause, reserved_at=now
    )


def is_still_possible(*, cause: UUID) -> bool:
    """Say whether the ticket can still be moved to the tier that was reserved for it.

    It is valid, not stopped, below that tier, and has not fallen below where the upgrade began.
    Looked at without the ticket's lock: what is fit is looked at again when it is moved. One that is stopped and may
    go on is not waited for: an upgrade of a ticket that may yet be void would be money for nothing.
    """
    change = TierChange.objects.select_related("ticket__tier", "from_tier", "to_tier").get(cause=cause)
    return _is_movable(change, change.ticket, change.to_tier)


@transaction.atomic
def settle_upgrade(*, cause: UUID, now: datetime) -> Ticket:
    """Move the ticket to the tier that was reserved for it; settled before, it changes nothing.

    An upgrade whose place was released meanwhile (paid late) takes a place if one is left. Raises ``NotFound`` for
    an unknown cause, ``TierSoldOut``, ``UpgradeNotPossible`` when the ticket is void or stopped, is at or above
    that tier by now, fell below the one that the upgrade began at, or the upgrade was reversed;
    ``UpgradeInProgress`` when, after a release, another one is open; ``Busy`` when the ticket moved meanwhile, or an
    earlier upgrade was undone: try again.
    """
    change, tiers, ticket = _locked(cause)
    if change.status == TierChangeStatus.SETTLED:
        return ticket
    target = tiers[change.to_tier_id]
    _require_movable(change, ticket, target)
    was_held = change.status == TierChangeStatus.RESERVED
    if not was_held:
        _require_nothing_open(ticket)
        require_room(target)
    move(target.pk, sold=1, reserved=-1 if was_held else 0)
    move(ticket.tier_id, sold=-1)
    change.from_tier, change.status = ticket.tier, TierChangeStatus.SETTLED
    change.settled_at, change.ended_at = now, None
    change.save(update_fields=["from_tier", "status", "settled_at", "ended_at"])
    ticket.tier = target
    ticket.save(update_fields=["tier"])
    owe_moved(ticket, f"{cause}:{change.status}", now=now)
    return ticket


@transaction.atomic
def release_upgrade(*, cause: UUID, now: datetime | None = None) -> None:
    """Give the reserved place back. An unknown cause, or one that is settled or ended, changes nothing."""
    change = _find(cause)
    if change is None:
        return
    lock_tiers(change.to_tier_id)
    ended = TierChange.objects.filter(pk=change.pk, status=TierChangeStatus.RESERVED).update(
        status=TierChangeStatus.RELEASED, ended_at=now
    )
    if ended:
        move(change.to_tier_id, reserved=-1)


@transaction.atomic
def reverse_upgrade(*, cause: UUID, now: datetime) -> None:
    """Move the ticket back to where it was. Reversed before, it changes nothing; reserved only, it is
    released.

    A refund never fails for want of room: when the old tier has sold the place meanwhile, its total grows
    by one,
    which the audit history tells. A void ticket stays where it is, and one that a later upgrade moved on stays
    there: when that one is undone too, it goes back to where this one began. Raises ``NotFound`` for an unknown
    cause, ``UpgradeSuperseded`` when it is not known how the ticket moved on, ``Busy`` as ``settle_upgrade``.
    """
    change, tiers, ticket = _locked(cause)
    if change.status == TierChangeStatus.RESERVED:
        release_upgrade(cause=cause, now=now)
    if change.status != TierChangeStatus.SETTLED:
        return
    change.status, change.ended_at = TierChangeStatus.REVERSED, now
    change.save(update_fields=["status", "ended_at"])
    if ticket.status != TicketStatus.VALID:
        return
    if ticket.tier_id != change.to_tier_id:
        _leave_out(change)
        return
    origin = tiers[change.from_tier_id]
    if origin.available == 0:
        _grow(origin, ticket, now=now)
    move(change.to_tier_id, sold=-1)
    move(origin.pk, sold=1)
    ticket.tier = origin
    ticket.save(update_fields=["tier"])
    # As where tickets are voided: who asks for their best ticket meanwhile holds the same lock.
    lock_registration(user_id=ticket.holder_id, event_id=ticket.event_id)
    reduced = TicketsReduced(ticket.holder_id, ticket.event_id)
    publish(reduced, now=now, organization_id=ticket.event.organization_id)
    owe_moved(ticket, f"{cause}:{change.status}", now=now)


def _leave_out(change: TierChange) -> None:
    """Let the upgrade that moved the ticket on from here lead back to where this one began.

    Under the ticket's lock, under which alone changes are settled and reversed. Raises ``UpgradeSuperseded`` where
    there is none, or it leads to that very tier since tiers were ranked anew.
    """
    standing = TierChange.objects.filter(ticket=change.ticket_id, status=TierChangeStatus.SETTLED)
    following = standing.filter(from_tier=change.to_tier_id).order_by("settled_at", "pk").first()
    if following is None or following.to_tier_id == change.from_tier_id:
        raise UpgradeSuperseded
    following.from_tier_id = change.from_tier_id
    following.save(update_fields=["from_tier"])


def _earlier(ticket: Ticket, cause: UUID) -> tuple[TierChange | None, bool]:
    """Return the change of this cause, and whether the ticket has an open one of another. One statement."""
    found = list(
        TierChange.objects.filter(Q(cause=cause) | Q(ticket=ticket, status=TierChangeStatus.RESERVED))
    )
    own = next((change for change in found if change.cause == cause), None)
    return own, any(change.cause != cause for change in found)


def _hold_again(change: TierChange, ticket: Ticket, *, now: datetime) -> TierChange:
    change.status, change.from_tier = TierChangeStatus.RESERVED, ticket.tier
    change.reserved_at, change.ended_at = now, None
    change.save(update_fields=["status", "from_tier", "reserved_at", "ended_at"])
    return change


def _find(cause: UUID) -> TierChange | None:
    return TierChange.objects.select_related("ticket").filter(cause=cause).first()


def _locked(cause: UUID) -> tuple[TierChange, dict[UUID, TicketTier], Ticket]:
    """Return the change, its tiers and its ticket under their locks, in the house's order."""
    unlocked = _find(cause)
    if unlocked is None:
        raise NotFound
    tiers = lock_tiers(unlocked.from_tier_id, unlocked.to_tier_id, unlocked.ticket.tier_id)
    ticket = _lock_ticket(unlocked.ticket_id)
    change = TierChange.objects.get(pk=unlocked.pk)
    if not {ticket.tier_id, change.from_tier_id} <= tiers.keys():
        # The ticket moved between our look and our lock, or an earlier upgrade was undone; a third tier cannot be
        # locked now without breaking the order.
        raise Busy
    return change, tiers, ticket


def _lock_ticket(ticket_id: UUID) -> Ticket:
    rows = Ticket.objects.select_for_update(of=("self",)).select_related("tier", "event__checkin_policy")
    # One that moved while its lock was waited for was read with the tier it had, and is left out for no longer being
    # in that: read again, under the lock that was got.
    ticket = rows.filter(pk=ticket_id).first() or rows.filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    return ticket


def _require_movable(change: TierChange | None, ticket: Ticket, target: TicketTier) -> None:
    if not _is_movable(change, ticket, target):
        raise UpgradeNotPossible


def _is_movable(change: TierChange | None, ticket: Ticket, target: TicketTier) -> bool:
    is_reversed = change is not None and change.status == TierChangeStatus.REVERSED
    is_usable = ticket.status == TicketStatus.VALID and not ticket.stopped_reason
    return not is_reversed and is_usable and target.is_above(ticket.tier) and not _has_fallen(change, ticket)


def _has_fallen(change: TierChange | None, ticket: Ticket) -> bool:
    """Say whether the ticket is below the tier from which this move was sold: its price bought the last step only.

    An upgrade that came before was undone. One that has risen since may go on: more was paid than the rest costs.
    """
    if change is None or change.from_tier_id == ticket.tier_id:
        return False
    return not ticket.tier.is_above(change.from_tier)


def _require_nothing_open(ticket: Ticket) -> None:
    if TierChange.objects.filter(ticket=ticket, status=TierChangeStatus.RESERVED).exists():
        raise UpgradeInProgress


def _grow(tier: TicketTier, ticket: Ticket, *, now: datetime) -> None:
    TicketTier.objects.filter(pk=tier.pk).update(inventory_total=F("inventory_total") + 1)
    total = tier.inventory_total or 0
    record(
        actor=SYSTEM,
        action="tickets.tier_grown",
        subject=tier,
        organization_id=ticket.event.organization_id,
        reason=f"The upgrade of ticket {ticket.number} was undone and its old place was sold.",
        changes={"inventory_total": [total, total + 1]},
        now=now,
    )
