"""REQ OF-11, TK-01: a ticket really moves between tiers, once per cause, and the counters say so."""

import uuid
from functools import partial

import pytest
from django.db import transaction

from accounts.models import User
from accounts.tests.factories import NOW, make_user
from common.errors import Busy, NotFound
from config.local_stack.testing.race import Follower, Race
from events.tests.factories import make_event
from tickets.errors import TierSoldOut, UpgradeInProgress, UpgradeNotPossible
from tickets.models import Ticket, TicketTier, TierChange
from tickets.services import upgrades
from tickets.tests.factories import make_ticket, make_tier

pytestmark = pytest.mark.django_db


def counts(tier: TicketTier) -> tuple[int, int]:
    """Return (sold, reserved) as stored."""
    tier.refresh_from_db()
    return tier.sold, tier.reserved


def reserve(ticket: Ticket, tier: TicketTier, cause: uuid.UUID, user: User | None = None) -> TierChange:
    """Reserve for the holder unless another user is named."""
    user_id = ticket.holder_id if user is None else user.pk
    return upgrades.reserve_upgrade(
        ticket_id=ticket.pk, to_tier_id=tier.pk, user_id=user_id, cause=cause, now=NOW
    )


def test_reserve_settle_reverse_each_once() -> None:
    """REQ OF-11: every step may be repeated, moves one place, and can be undone."""
    event, cause = make_event(), uuid.uuid4()
    standard, vip = make_tier(event=event, units=1), make_tier(event=event, priority="VIP", units=1)
    ticket = make_ticket(tier=standard)
    for _ in range(2):
        reserve(ticket, vip, cause)
        assert (counts(standard), counts(vip)) == ((1, 0), (0, 1))
    for _ in range(2):
        assert upgrades.settle_upgrade(cause=cause, now=NOW).tier == vip
        assert (counts(standard), counts(vip)) == ((0, 0), (1, 0))
    for _ in range(2):
        upgrades.reverse_upgrade(cause=cause, now=NOW)
        assert (counts(standard), counts(vip)) == ((1, 0), (0, 0))
    assert Ticket.objects.get().tier == standard


def test_released_may_settle_late_while_room_is_left() -> None:
    """REQ OF-08: a released place is free for others; paid late it is taken again only if one is left."""
    event, cause = make_event(), uuid.uuid4()
    standard, vip = make_tier(event=event), make_tier(event=event, priority="VIP", units=1)
    ticket = make_ticket(tier=standard)
    reserve(ticket, vip, cause)
    for _ in range(2):
        upgrades.release_upgrade(cause=cause, now=NOW)
        assert counts(vip) == (0, 0)
    other = make_ticket(tier=vip)
    with pytest.raises(TierSoldOut):
        upgrades.settle_upgrade(cause=cause, now=NOW)
    assert (counts(standard), counts(vip)) == ((1, 0), (1, 0))
    TicketTier.objects.filter(pk=vip.pk).update(sold=0)
    Ticket.objects.filter(pk=other.pk).delete()
    upgrades.settle_upgrade(cause=cause, now=NOW)
    assert (counts(standard), counts(vip)) == ((0, 0), (1, 0))


def test_refusals_hold_nothing() -> None:
    """REQ OF-11, EV-03: another's ticket, another event's tier, a lower tier, a stopped ticket, a second
    open upgrade, a full tier."""
    event = make_event()
    standard, vip = make_tier(event=event), make_tier(event=event, priority="VIP", units=1)
    ticket, elsewhere = make_ticket(tier=standard), make_tier(priority="VIP")
    with pytest.raises(NotFound):
        reserve(ticket, vip, uuid.uuid4(), make_user())
    with pytest.raises(NotFound):
        reserve(ticket, elsewhere, uuid.uuid4())
    with pytest.raises(UpgradeNotPossible):
        reserve(ticket, standard, uuid.uuid4())
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="A refund was requested.")
    with pytest.raises(UpgradeNotPossible):
        reserve(ticket, vip, uuid.uuid4())
    assert (counts(vip), counts(elsewhere), TierChange.objects.count()) == ((0, 0), (0, 0), 0)
    Ticket.objects.filter(pk=ticket.pk).update(stopped_reason="")
    reserve(ticket, vip, uuid.uuid4())
    with pytest.raises(UpgradeInProgress):
        reserve(ticket, vip, uuid.uuid4())
    with pytest.raises(TierSoldOut):
        reserve(make_ticket(tier=standard), vip, uuid.uuid4())
    assert (counts(vip), TierChange.objects.count()) == ((0, 1), 1)


def test_reversal_never_fails_for_want_of_room() -> None:
    """REQ PA-07: when the old place was sold meanwhile, the old tier grows by one and nobody is left
    standing."""
    event, cause = make_event(), uuid.uuid4()
    standard, vip = make_tier(event=event, units=1), make_tier(event=event, priority="VIP")
    reserve(make_ticket(tier=standard), vip, cause)
    upgrades.settle_upgrade(cause=cause, now=NOW)
    make_ticket(tier=standard)
    upgrades.reverse_upgrade(cause=cause, now=NOW)
    assert (counts(standard), standard.inventory_total, counts(vip)) == ((2, 0), 2, (0, 0))


@pytest.mark.django_db(transaction=True)
def test_thirty_upgrades_for_three_places(race: Race) -> None:
    """REQ OF-04: of thirty holders at once exactly three get a place in the better tier."""
    event = make_event()
    standard, vip = make_tier(event=event), make_tier(event=event, priority="VIP", units=3)
    tickets = [make_ticket(tier=standard) for _ in range(30)]
    results = race(30, lambda n: reserve(tickets[n], vip, uuid.uuid4()))
    assert sum(isinstance(one, TierChange) for one in results) == 3
    assert sum(isinstance(one, TierSoldOut) for one in results) == 27
    assert counts(vip) == (0, 3)


@pytest.mark.django_db(transaction=True)
def test_both_steps_of_a_ticket_undone_at_once_lead_to_its_start(race: Race) -> None:
    """REQ PA-07: five tickets, two steps each, all ten undone by callers who had looked before: whoever was
    overtaken comes again, and each ticket is where it began."""
    event = make_event()
    standard, premium = make_tier(event=event), make_tier(event=event, priority="PREMIUM")
    vip = make_tier(event=event, priority="VIP")
    causes = [uuid.uuid4() for _ in range(10)]
    for first, second in zip(causes[::2], causes[1::2], strict=True):
        ticket = make_ticket(tier=standard)
        for tier, cause in ((premium, first), (vip, second)):
            reserve(ticket, tier, cause)
            upgrades.settle_upgrade(cause=cause, now=NOW)
    acts = [partial(upgrades.reverse_upgrade, cause=cause, now=NOW) for cause in causes]
    outcomes = race.behind(TicketTier.objects.filter(pk=premium.pk), acts)
    late = [cause for cause, outcome in zip(causes, outcomes, strict=True) if isinstance(outcome, Busy)]
    assert [one for one in outcomes if one is not None and not isinstance(one, Busy)] == []
    for cause in late:
        upgrades.reverse_upgrade(cause=cause, now=NOW)
    assert (counts(standard), counts(premium), counts(vip)) == ((5, 0), (0, 0), (0, 0))
    assert set(Ticket.objects.values_list("tier", flat=True)) == {standard.pk}


@pytest.mark.django_db(transaction=True)
def test_a_ticket_that_moves_while_it_is_waited_for_is_found() -> None:
    """REQ OF-11: the next step is bought while the first is being given: it begins where that one ended."""
    event, first, second = make_event(), uuid.uuid4(), uuid.uuid4()
    premium, vip = make_tier(event=event, priority="PREMIUM"), make_tier(event=event, priority="VIP")
    ticket = make_ticket(tier=make_tier(event=event))
    reserve(ticket, premium, first)
    follower = Follower(lambda: reserve(ticket, vip, second))
    with transaction.atomic():
        upgrades.settle_upgrade(cause=first, now=NOW)
        follower.start()
    bought = follower.result()
    assert (bought.from_tier, counts(vip)) == (premium, (0, 1))
