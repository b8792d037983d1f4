"""Proving a tier's counters from its tickets and reservations (REQUIREMENTS PA-08)."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import NOW
from common.audit.models import AuditEntry
from config.local_stack.testing.race import Race
from events.tests.factories import make_event
from tickets.models import Ticket, TicketStatus, TicketTier
from tickets.services import reconcile as reconciling
from tickets.services import upgrades
from tickets.services.reconcile import reconcile_tiers
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db


def counts(tier: TicketTier) -> tuple[int, int]:
    """Return (sold, reserved) as stored."""
    tier.refresh_from_db()
    return tier.sold, tier.reserved


def upgraded(tier: TicketTier, *, settles: bool) -> Ticket:
    """Upgrade a new ticket of the same event to the tier, or only reserve its place."""
    ticket, cause = make_ticket(tier=make_tier(event=tier.event)), uuid.uuid4()
    upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=tier.pk, user_id=ticket.holder_id, cause=cause, now=NOW
    )
    if settles:
        upgrades.settle_upgrade(cause=cause, now=NOW)
    return ticket


def test_sold_is_valid_tickets_and_reserved_is_open_upgrades() -> None:
    """REQ PA-08: tickets issued, upgraded and void, places held: all add up, and nothing is found."""
    vip = make_tier(priority="VIP", units=5)
    make_ticket(tier=vip)
    upgraded(vip, settles=True)
    upgraded(vip, settles=False)
    assert (counts(vip), reconcile_tiers(now=NOW)) == ((2, 1), [])


def test_drift_is_shown_by_a_dry_run_and_repaired_with_an_audit_entry() -> None:
    """REQ PA-08: each counter that somebody moved is told with what it should be; then all is well."""
    vip, other = make_tier(priority="VIP", units=9), make_tier(units=9)
    make_ticket(tier=vip)
    upgraded(vip, settles=False)
    void = make_ticket(tier=other)
    Ticket.objects.filter(pk=void.pk).update(status=TicketStatus.VOID)
    TicketTier.objects.filter(pk=vip.pk).update(sold=4, reserved=0)
    found = {
        (one.subject_id, one.what, one.found, one.proven) for one in reconcile_tiers(now=NOW, dry_run=True)
    }
    assert found == {(vip.pk, "sold", 4, 1), (vip.pk, "reserved", 0, 1), (other.pk, "sold", 1, 0)}
    assert (counts(vip), counts(other), AuditEntry.objects.count()) == ((4, 0), (1, 0), 0)
    assert {one.repaired for one in reconcile_tiers(now=NOW)} == {True}
    assert (counts(vip), counts(other)) == ((1, 1), (0, 0))
    entry = AuditEntry.objects.get(subject_id=str(vip.pk), action="tickets.reconcile")
    assert entry.changes == {"sold": [4, 1], "reserved": [0, 1]}
    assert reconcile_tiers(now=NOW) == []


def test_more_places_than_there_are_is_for_people() -> None:
    """REQ PA-08: a recount above the total is shown and changes nothing, whatever else it could repair."""
    vip = make_tier(priority="VIP")
    for _ in range(3):
        make_ticket(tier=vip)
    TicketTier.objects.filter(pk=vip.pk).update(sold=1, reserved=1, inventory_total=2)
    assert {(one.what, one.repaired) for one in reconcile_tiers(now=NOW)} == {
        ("sold", False),
        ("reserved", False),
    }
    assert (counts(vip), AuditEntry.objects.count()) == ((1, 1), 0)


def test_many_tiers_are_proven_by_as_many_statements_as_one() -> None:
    """REQ PA-08: looking at thirty tiers that are off takes what looking at one takes."""

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert reconcile_tiers(now=NOW, dry_run=True)
        return len(asked)

    event = make_event()
    TicketTier.objects.filter(pk=make_tier(event=event).pk).update(sold=1)
    few = statements()
    for _ in range(29):
        TicketTier.objects.filter(pk=make_tier(event=event).pk).update(sold=1)
    assert statements() == few == 6


@pytest.mark.django_db(transaction=True)
def test_sales_going_on_are_not_mistaken_for_drift(race: Race) -> None:
    """REQ PA-08: recounts beside twenty sales find nothing to repair, and the counters stay exact."""
    tier = make_tier(units=100)
    make_ticket(tier=tier)
    results = race(30, lambda n: make_ticket(tier=tier) if n % 3 else reconcile_tiers(now=NOW))
    assert [one for one in results if isinstance(one, BaseException)] == []
    assert [one for one in results if one and isinstance(one, list)] == []
    assert counts(tier) == (21, 0)


@pytest.mark.django_db(transaction=True)
def test_control_a_recount_without_the_lock_loses_a_sale(monkeypatch: pytest.MonkeyPatch, race: Race) -> None:
    """REQ PA-08: the control: recounted without the lock, a sale in between is written over.

    The lock is what makes the recount right; the counter would say one ticket too few.
    """
    tier = make_tier(units=100)
    make_ticket(tier=tier)
    TicketTier.objects.filter(pk=tier.pk).update(sold=5)
    monkeypatch.setattr(
        reconciling, "lock_tiers", lambda *ids: {one.pk: one for one in TicketTier.objects.filter(pk__in=ids)}
    )
    recount = reconciling._recounted

    def sold_meanwhile(*asked: object) -> dict[uuid.UUID, int]:
        counted = recount(*asked)  # type: ignore[arg-type]
        if asked[0] is reconciling.PROOFS["sold"]:
            assert not isinstance(race(1, lambda _: make_ticket(tier=tier))[0], BaseException)
        return counted

    monkeypatch.setattr(reconciling, "_recounted", sold_meanwhile)
    reconcile_tiers(now=NOW)
    assert (counts(tier)[0], Ticket.objects.filter(tier=tier).count()) == (1, 2)
