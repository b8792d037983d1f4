"""Many buyers, few units: nobody gets what is not there (REQUIREMENTS OF-04)."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from pytest_django.fixtures import Settings

from accounts.tests.factories import make_user
from common import clock, idempotency
from common.idempotency.models import IdempotencyRecord
from common.outbox.models import Job
from config.local_stack.testing.race import Race
from offers.errors import OfferUnavailable, SoldOut
from offers.models import Offer, Purchase
from offers.services import writing
from offers.services.reservation import reserve_purchase
from offers.tests.factories import Door, make_offer, stock
from offers.types import PurchaseOffer
from payments.models import Order
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, UNITS = 50, 5
NO_KEY = idempotency.Ticket(None, None, None)


@pytest.fixture(autouse=True)
def _patient(settings: Settings) -> None:
    """Fifty threads share two cores here; the queue for one row may be longer than a real one."""
    settings.PURCHASE_ADDRESS_RATE_LIMIT = 10_000


def test_fifty_buyers_of_five_units(stripe_sandbox: SandboxProcess, race: Race) -> None:
    """Exactly 5 of 50 get a checkout session, 45 a clean 409, and the counters are exact. REQ OF-04."""
    offer = make_offer(units=UNITS)
    doors = [Door() for _ in range(BUYERS)]
    answers: list[Any] = race(BUYERS, lambda number: doors[number].buy(offer, key=f"key-{number}"))
    assert Counter(answer.status_code for answer in answers) == {201: UNITS, 409: BUYERS - UNITS}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"sold_out"}
    sessions = {answer.json()["checkout_session_id"] for answer in answers if answer.status_code == 201}
    assert len(sessions) == UNITS
    assert stock(offer) == (UNITS, 0)
    assert Purchase.objects.filter(offer=offer).count() == Order.objects.count() == UNITS


@pytest.mark.usefixtures("without_check")
def test_fifty_that_wait_for_the_lock_at_once(race: Race) -> None:
    """All have begun before the first may write, and nothing but the lock holds them: 5 get a unit. REQ OF-04."""
    offer = make_offer(units=UNITS)
    outcomes = _all_begin_at_once(race, offer, [_wish(offer) for _ in range(BUYERS)])
    assert Counter(type(outcome) for outcome in outcomes) == {Order: UNITS, SoldOut: BUYERS - UNITS}
    assert stock(offer) == (UNITS, 0)


@pytest.mark.usefixtures("without_check", "without_lock")
def test_the_same_without_the_lock_oversells(race: Race) -> None:
    """The control: without the row lock the same service sells units that are not there.

    Somebody else holds the offer until all have begun to write, as may happen on any day. REQ OF-04.
    """
    offer = make_offer(units=UNITS)
    outcomes = _all_begin_at_once(race, offer, [_wish(offer) for _ in range(BUYERS)])
    sold = [outcome for outcome in outcomes if isinstance(outcome, Order)]
    assert len(sold) > UNITS
    assert stock(offer)[0] == len(sold)


def test_the_database_refuses_an_oversale_by_itself() -> None:
    """Whatever the code does, the CHECK holds: idea 3 of the design. REQ OF-04."""
    offer = make_offer(units=1)
    with pytest.raises(Exception, match="offer_never_oversold"):
        Offer.objects.filter(pk=offer.pk).update(reserved=F("reserved") + 2)
    assert stock(offer) == (0, 0)


def test_one_person_cannot_pass_the_hold_limits_by_hurrying(race: Race) -> None:
    """Twenty purchases of one person at once: three checkouts are held, as the limit says. REQ OF-07."""
    offer, buyer = make_offer(units=100), make_user()
    wishes = [_wish(offer, buyer_id=buyer.pk) for _ in range(20)]
    outcomes = race(20, lambda number: reserve_purchase(wishes[number], NO_KEY, now=clock.now()))
    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 3
    assert {getattr(outcome, "code", "") for outcome in outcomes if not isinstance(outcome, Order)} == {
        "hold_limit"
    }
    assert stock(offer) == (3, 0)


def test_control_without_the_lock_hurry_passes_the_hold_limits(race: Race, without_lock: None) -> None:
    """The control: what a person holds is counted after the lock was had; without it, it is out of date. REQ OF-07."""
    offer, buyer = make_offer(units=100), make_user()
    wishes = [_wish(offer, buyer_id=buyer.pk) for _ in range(10)]
    outcomes = _all_begin_at_once(race, offer, wishes)
    assert sum(isinstance(outcome, Order) for outcome in outcomes) > 3


def test_terms_that_change_between_look_and_lock_are_looked_at_again(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody buys at a price, or of an offer, that is not there any more when the lock is had. REQ OF-04."""
    dearer, gone = make_offer(units=5, price=1999), make_offer(units=5)
    edits = {
        dearer.pk: lambda: Offer.objects.filter(pk=dearer.pk, price_amount=1999).update(price_amount=2999),
        gone.pk: lambda: Offer.objects.filter(pk=gone.pk).update(is_active=False),
    }
    lock = writing.lock

    def edit_and_lock(sale: writing.Sale) -> None:
        [editor] = race(1, lambda _: edits[sale.seen.offer.pk]())
        assert editor in {0, 1}
        lock(sale)

    monkeypatch.setattr(writing, "lock", edit_and_lock)
    order = reserve_purchase(_wish(dearer), NO_KEY, now=clock.now())
    assert (order.amount, Order.objects.get().amount, stock(dearer)) == (2999, 2999, (1, 0))
    with pytest.raises(OfferUnavailable):
        reserve_purchase(_wish(gone), NO_KEY, now=clock.now())
    assert (Order.objects.count(), Purchase.objects.count(), stock(gone)) == (1, 1, (0, 0))


@pytest.mark.parametrize("amount", [0, 1999])
def test_a_key_that_was_taken_over_writes_nothing(amount: int) -> None:
    """Of two calls with one key only its holder buys; the other is told ``in_progress``. REQ OF-13."""
    offer, buyer, now = make_offer(units=5, price=amount), make_user(), clock.now()

    def begin(when: datetime) -> idempotency.Ticket:
        return idempotency.begin(user_id=buyer.pk, operation="probe", key="k", fingerprint="f", now=when)

    lost, holder = begin(now), begin(now + timedelta(seconds=61))
    with pytest.raises(idempotency.InProgress):
        reserve_purchase(_wish(offer, buyer_id=buyer.pk), lost, now=now)
    assert (Order.objects.count(), Purchase.objects.count(), Job.objects.count(), stock(offer)) == (
        0,
        0,
        0,
        (0, 0),
    )
    order = reserve_purchase(_wish(offer, buyer_id=buyer.pk), holder, now=now)
    assert IdempotencyRecord.objects.get().subject_id == order.purpose_id == Purchase.objects.get().pk


def test_a_limit_per_buyer_holds_against_hurry(race: Race) -> None:
    """Ten purchases at once with a limit of two units: two are held. REQ OF-14."""
    offer, buyer = make_offer(units=100, per_user_limit=2), make_user()
    wishes = [_wish(offer, buyer_id=buyer.pk) for _ in range(10)]
    outcomes = race(10, lambda number: reserve_purchase(wishes[number], NO_KEY, now=clock.now()))
    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 2
    assert stock(offer) == (2, 0)


@pytest.mark.parametrize("mutual", [True, False])
def test_offers_that_exclude_each_other_are_not_both_had(race: Race, mutual: bool) -> None:
    """One person buys both at the same moment, many times over: they get one of them each time. REQ OF-14."""
    for _ in range(8):
        first = make_offer(units=10)
        second = make_offer(units=10, event=first.event, excludes_offer=first)
        if mutual:
            Offer.objects.filter(pk=first.pk).update(excludes_offer=second)
        buyer = make_user()
        wishes = [_wish(offer, buyer_id=buyer.pk) for offer in (first, second, first, second)]
        acts: list[Callable[[], Order]] = [
            partial(reserve_purchase, wish, NO_KEY, now=clock.now()) for wish in wishes
        ]
        outcomes = race.each(acts)
        assert {getattr(outcome, "code", "") for outcome in outcomes if not isinstance(outcome, Order)} == {
            "offer_unavailable"
        }
        assert sorted([stock(first)[0] > 0, stock(second)[0] > 0]) == [False, True]


def test_a_double_click_ends_with_one_purchase(stripe_sandbox: SandboxProcess, race: Race) -> None:
    """Eight tabs send one key at once: one session, the others its answer or ``in_progress``. REQ OF-13."""
    door, offer = Door(), make_offer(units=5)
    doors = [Door(door.user) for _ in range(8)]
    answers: list[Any] = race(8, lambda number: doors[number].buy(offer, key="one-intent"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"in_progress"}
    made = {answer.json()["order"]["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    again = door.buy(offer, key="one-intent")
    assert again.status_code == 201
    assert {again.json()["order"]["id"]} == made
    assert stock(offer) == (1, 0)


def _wish(offer: Offer, **fields: Any) -> PurchaseOffer:
    buyer_id = fields.pop("buyer_id", None) or make_user().pk
    return PurchaseOffer(
        offer_id=offer.pk, quantity=1, buyer_id=buyer_id, buyer_email="buyer@example.test", **fields
    )


@pytest.fixture
def without_check() -> Iterator[None]:
    """Take the CHECK that forbids an oversale from the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE offers_offer DROP CONSTRAINT offer_never_oversold")
    yield
    Offer.objects.update(reserved=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE offers_offer ADD CONSTRAINT offer_never_oversold "
            "CHECK (inventory_total IS NULL OR sold <= inventory_total - reserved)"
        )


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the row lock out of the service."""
    monkeypatch.setattr(writing, "_LOCK", writing._LOCK.replace("FOR UPDATE OF o", ""))


def _all_begin_at_once(race: Race, offer: Offer, wishes: list[PurchaseOffer]) -> list[Any]:
    """Let every purchase wait for the offer in the middle of its writing, then all go on."""
    acts = [partial(reserve_purchase, wish, NO_KEY, now=clock.now()) for wish in wishes]
    return race.behind(Offer.objects.filter(pk=offer.pk), acts)
