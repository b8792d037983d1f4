"""Several hands at one ad at once, and what happens without the lock. REQ AD-01, AD-05."""

import threading
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from accounts.tests.factories import NOW
from ads.models import Ad, AdIndexVersion, AdSpend
from ads.services import writing
from ads.tests.ad_factories import make_ad
from ads.types.ads import AdInput
from common.audit.models import AuditEntry
from common.errors import Invalid
from common.types import SYSTEM, Actor
from config.local_stack.testing.race import Race, until_waiting

pytestmark = pytest.mark.django_db(transaction=True)

# Each is right beside a total of 10.00 without a limit of a day; both together are not.
LESS, DAILY = AdInput(budget_total="5"), AdInput(budget_daily="9")
EDITORS = 8
PATIENCE = 30.0


def edit(ad: Ad, changes: AdInput) -> Ad:
    """Change the ad as the system may."""
    return writing.update_ad(actor=SYSTEM, ad_id=ad.pk, changes=changes, now=NOW)


def without_lock(monkeypatch: pytest.MonkeyPatch, contenders: int = 1) -> None:
    """Let everybody read the ad, unlocked, before the first goes on, as may happen on any day."""
    everybody_looked = threading.Barrier(contenders)

    def read(_actor: Actor, ad_id: UUID, **_: Any) -> AdSpend:
        spend = AdSpend.objects.select_related("ad__event").get(pk=ad_id)
        everybody_looked.wait(PATIENCE)
        return spend

    monkeypatch.setattr(writing, "_locked", read)


def priced() -> Ad:
    """Make an ad that is billed by the thousand."""
    return make_ad(price_model="CPM", price_amount=100, budget_total_amount=1_000)


def test_edits_at_once_are_judged_one_after_the_other(race: Race) -> None:
    """Of two kinds of edits that do not fit each other one is refused by field; every one left its trace once."""
    ad = priced()
    version = AdIndexVersion.objects.get().version
    outcomes = race(EDITORS, lambda number: edit(ad, (LESS, DAILY)[number % 2]))
    assert Counter(type(outcome) for outcome in outcomes) == {Ad: EDITORS // 2, Invalid: EDITORS // 2}
    refusals = [one.errors[0] for one in outcomes if isinstance(one, Invalid)]
    assert {(one.field, one.code) for one in refusals} == {("budget_daily", "above_total")}
    ad.refresh_from_db()
    assert (ad.budget_total_amount, ad.budget_daily_amount) in {(500, None), (1_000, 900)}
    # The same again changed nothing.
    assert AuditEntry.objects.count() == 1
    assert AdIndexVersion.objects.get().version == version + 1


def test_the_same_without_the_lock_makes_a_wrong_ad(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: both are judged by what was there, and together they are what no rule allows."""
    ad = priced()
    without_lock(monkeypatch, contenders=2)
    outcomes = race.each([lambda: edit(ad, LESS), lambda: edit(ad, DAILY)])
    assert [type(outcome) for outcome in outcomes] == [Ad, Ad]
    ad.refresh_from_db()
    assert (ad.budget_total_amount, ad.budget_daily_amount) == (500, 900)


def lowered_while_billing(race: Race, ad: Ad) -> object:
    """Bill 5.00 while somebody lowers the budget to 4.00; return what came of the latter."""
    has_lock = threading.Event()

    def bill() -> None:
        with transaction.atomic():
            spend = AdSpend.objects.select_for_update().get(pk=ad.pk)
            has_lock.set()
            until_waiting()
            AdSpend.objects.filter(pk=spend.pk).update(billed_micros=5_000_000)

    def lower() -> Ad:
        assert has_lock.wait(PATIENCE)
        return edit(ad, AdInput(budget_total="4", name="Cheaper"))

    billed, lowered = race.each([bill, lower])
    assert billed is None
    return lowered


def test_a_budget_lowered_under_a_redemption_waits_for_it(race: Race) -> None:
    """What is in flight is billed first; the edit then gets a field error, and nothing of it is written."""
    ad = priced()
    refusal = lowered_while_billing(race, ad)
    assert isinstance(refusal, Invalid)
    assert [(one.field, one.code) for one in refusal.errors] == [("budget_total", "below_billed")]
    spend = AdSpend.objects.select_related("ad").get()
    assert (spend.billed_micros, spend.limit_micros) == (5_000_000, 10_000_000)
    assert (spend.ad.budget_total_amount, spend.ad.name) == (1_000, "Backstage tour")
    assert not AuditEntry.objects.exists()


def test_the_same_without_the_lock_is_held_by_the_database_alone(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the edit is judged by what was not billed yet, and only the CHECK refuses it."""
    ad = priced()
    without_lock(monkeypatch)
    refusal = lowered_while_billing(race, ad)
    assert isinstance(refusal, IntegrityError)
    assert "ad_never_billed_above_budget" in str(refusal)
    assert AdSpend.objects.get().billed_micros == 5_000_000
