"""``reconcile_inventory``, and taking ended offers off sale."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import make_user
from common import clock
from offers.models import Offer, Purchase
from offers.services.catalog import deactivate_ended
from offers.tests.factories import give, make_offer, make_upgrade, stock
from tickets.models import TicketTier
from tickets.services import upgrades
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)


def reconcile(*options: str) -> tuple[int, str]:
    """Run the command and return its exit code and what it said."""
    said = StringIO()
    try:
        call_command("reconcile_inventory", *options, stdout=said)
    except SystemExit as ended:
        return int(ended.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_counters_that_agree_are_left_alone() -> None:
    """Sold and reserved follow from the purchases: exit code 0. REQ PA-08."""
    offer = make_offer(units=10)
    give(offer, make_user(), quantity=2)
    give(offer, make_user(), quantity=3, held=True)
    assert reconcile()[0] == 0
    assert stock(offer) == (3, 2)


def test_drift_is_shown_by_a_dry_run_and_repaired_without_one() -> None:
    """A counter that somebody moved is found, told, put right; then all is well. REQ PA-08."""
    offer = make_offer(units=10)
    give(offer, make_user(), quantity=2)
    Offer.objects.filter(pk=offer.pk).update(sold=5, reserved=1)
    code, said = reconcile("--dry-run")
    assert code == 1
    assert str(offer.pk) in said
    assert stock(offer) == (1, 5)
    assert reconcile("--offer", str(offer.pk))[0] == 1
    assert stock(offer) == (0, 2)
    assert reconcile()[0] == 0


def test_an_offer_that_does_not_exist_is_an_error() -> None:
    """A wrong id is said, with an exit code of its own. REQ PA-08."""
    with pytest.raises(CommandError):
        call_command("reconcile_inventory", "--offer", "nonsense", stdout=StringIO())


def test_ended_offers_are_taken_off_sale_to_the_second() -> None:
    """Past its end an offer is switched off; one that ends next second is not. REQ OF-09."""
    now = clock.now()
    over = make_offer(expires_at=now, starts_at=now - timedelta(days=3))
    running = make_offer(expires_at=now + timedelta(seconds=1), starts_at=now - timedelta(days=3))
    assert deactivate_ended(now=now) == 1
    over.refresh_from_db()
    running.refresh_from_db()
    assert (over.is_active, running.is_active) == (False, True)
    assert deactivate_ended(now=now) == 0


def test_the_tier_of_an_upgrade_is_proven_too() -> None:
    """A tier's counters follow from its tickets and open upgrades; drift is told in the same table. REQ PA-08."""
    offer, standard = make_upgrade(places=5)
    tier, ticket = offer.upgrade_to_tier, make_ticket(tier=standard)
    assert tier is not None
    upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=tier.pk, user_id=ticket.holder_id, cause=uuid4(), now=clock.now()
    )
    assert reconcile()[0] == 0
    TicketTier.objects.filter(pk=tier.pk).update(sold=2, reserved=0)
    TicketTier.objects.filter(pk=standard.pk).update(sold=4)
    code, said = reconcile("--dry-run")
    assert (code, [line.split()[0] for line in said.splitlines()[1:-1]]) == (1, ["tier"] * 3)
    assert counters(tier) == (2, 0)
    assert reconcile("--offer", str(offer.pk))[0] == 1
    assert (counters(tier), counters(standard)) == ((0, 1), (4, 0))
    assert (reconcile()[0], counters(standard), reconcile()[0]) == (1, (1, 0), 0)


def test_a_place_that_nobody_pays_for_is_given_back() -> None:
    """An upgrade's place in the tier ends with the units that it was held for. REQ PA-08."""
    offer, standard = make_upgrade(places=1)
    tier, ticket = offer.upgrade_to_tier, make_ticket(tier=standard)
    assert tier is not None
    held = give(offer, ticket.holder, held=True)
    upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=tier.pk, user_id=ticket.holder_id, cause=held.pk, now=clock.now()
    )
    assert reconcile()[0] == 0
    Purchase.objects.filter(pk=held.pk).update(reserved_units=0)
    Offer.objects.filter(pk=offer.pk).update(reserved=0)
    code, said = reconcile("--dry-run")
    assert (code, "place held for a closed order" in said, counters(tier)) == (1, True, (0, 1))
    assert (reconcile()[0], counters(tier), reconcile()[0]) == (1, (0, 0), 0)


def counters(tier: TicketTier) -> tuple[int, int]:
    """Return how many places of a tier are sold and how many are reserved."""
    tier.refresh_from_db()
    return tier.sold, tier.reserved
