"""Making, changing, pausing and archiving offers. Every change is in the audit history."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from common import audit
from common.db import in_batches, retrying
from common.errors import Invalid
from common.types import SYSTEM, Actor
from events.models import Event
from offers.errors import OfferArchived
from offers.models import Offer
from offers.services.announcing import availability_changed
from offers.services.inventory import lock_offers
from offers.services.rules import judge
from offers.types import OfferInput

# One round of the sweep of ended offers: short transactions, whatever has piled up.
SWEEP_BATCH = 200


def currency_lock(event_id: UUID) -> str:
    """Say why an event's currency stays: its offers are in it, archived ones too. Empty when it has none."""
    return "Its offers are in this currency." if Offer.objects.filter(event_id=event_id).exists() else ""


@retrying
@transaction.atomic
def create_offer(actor: Actor, event_id: UUID, given: OfferInput, *, now: datetime) -> Offer:
    """Create an offer of an event.

    Raises ``Unauthenticated``, ``NotFound`` (also for another organization's event), ``Forbidden``, and
    ``Invalid`` with every wrong field.
    """
    # Locked: who changes the event's currency meanwhile is waited for, or waits and finds this offer.
    event = Event.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.MANAGE_OFFERS)
    values = judge(given, event=event, existing=None)
    offer = Offer(event=event, created_at=now, updated_at=now, **values)
    offer.save(force_insert=True)
    audit.record(
        actor=actor, action="offers.create", subject=offer, organization_id=event.organization_id,
        changes={name: [None, value] for name, value in values.items() if value not in (None, "", [])},
        now=now,
    )  # fmt: skip
    return offer


@retrying
@transaction.atomic
def update_offer(
    actor: Actor, offer_id: UUID, given: OfferInput, *, now: datetime, reason: str = ""
) -> Offer:
    """Change the named fields of an offer; the result is judged as a whole, under the offer's lock.

    A new price counts for sales from now on: open checkouts keep theirs, and Stripe gets a new Price at the
    next sale. Raises as ``create_offer``, and ``OfferArchived``.
    """
    offer = _locked(actor, offer_id)
    values = judge(given, event=offer.event, existing=offer)
    before = audit.snapshot(offer)
    for name, value in values.items():
        setattr(offer, name, value)
    return _changed(offer, before, actor=actor, action="offers.update", reason=reason, now=now)


@retrying
@transaction.atomic
def set_active(actor: Actor, offer_id: UUID, *, active: bool, reason: str, now: datetime) -> Offer:
    """Put an offer on sale or take it off; raises as ``update_offer``, ``Invalid`` when its time is over."""
    offer = _locked(actor, offer_id)
    if active and offer.expires_at is not None and offer.expires_at <= now:
        raise Invalid.field("expires_at", "over", "Its end has passed; give it a later one first.")
    before = audit.snapshot(offer)
    offer.is_active = active
    action = "offers.activate" if active else "offers.pause"
    return _changed(offer, before, actor=actor, action=action, reason=reason, now=now)


@retrying
@transaction.atomic
def archive_offer(actor: Actor, offer_id: UUID, *, reason: str = "", now: datetime) -> Offer:
    """Take an offer away for good, keeping its row for what was bought; doing so twice changes nothing.

    Open checkouts may still be paid. Raises as ``update_offer``.
    """
    offer = _locked(actor, offer_id, archived_too=True)
    if offer.is_archived:
        return offer
    before = audit.snapshot(offer)
    offer.is_archived, offer.is_active = True, False
    return _changed(offer, before, actor=actor, action="offers.archive", reason=reason, now=now)


def deactivate_ended(*, now: datetime) -> int:
    """Take offers off sale whose end has come, in short batches; returns how many (REQUIREMENTS OF-09).

    Safe beside itself: rows that another run holds are left to it.
    """
    return in_batches(lambda: _deactivate_batch(now))


@transaction.atomic
def _deactivate_batch(now: datetime) -> int:
    ended = list(
        Offer.objects.past_their_end(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("event")
        .order_by("pk")[:SWEEP_BATCH]
    )
    for offer in ended:
        before = audit.snapshot(offer)
        offer.is_active = False
        _changed(offer, before, actor=SYSTEM, action="offers.end", reason="", now=now)
    return len(ended)


def _locked(actor: Actor, offer_id: UUID, *, archived_too: bool = False) -> Offer:
    """Lock an offer that the actor may manage, with its event."""
    locked = lock_offers([offer_id])
    if not locked:
        access.refuse_missing(actor)
    offer = locked[0]
    access.require(actor, offer.event.organization_id, Capability.MANAGE_OFFERS)
    if offer.is_archived and not archived_too:
        raise OfferArchived
    return offer


def _changed(
    offer: Offer, before: dict[str, object], *, actor: Actor, action: str, reason: str, now: datetime
) -> Offer:
    # Only what differs is saved, so never the counters: they move by F() alone.
    organization_id = offer.event.organization_id
    changes = audit.save_changes(
        offer, before, actor=actor, action=action, organization_id=organization_id, reason=reason, now=now
    )
    if changes.keys() & {"inventory_total", "is_active", "is_archived", "starts_at", "expires_at"}:
        availability_changed(offer.pk, now=now)
    return offer
