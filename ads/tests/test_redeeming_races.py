"""Many who tell the same at once, budgets that many bill at once; and what happens without key and lock."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import NOW
from ads.models import AdDaily, AdEvent
from ads.services import billing
from ads.services.daily import work_dirty
from ads.services.recount import recount
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import (
    billed,
    buckets,
    click,
    kinds,
    reasons,
    redeem,
    show,
    shows,
    somebody,
    unbilled,
)
from config.local_stack.testing.race import Race
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def slow_inserts() -> Iterator[None]:
    """Let whoever writes events look first, and write when all others have looked, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION control_wait() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'"
        )
        cursor.execute(
            "CREATE TRIGGER control_wait BEFORE INSERT ON ads_adevent FOR EACH STATEMENT"
            " EXECUTE FUNCTION control_wait()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER control_wait ON ads_adevent")
            cursor.execute("DROP FUNCTION control_wait()")


def test_one_token_told_a_hundred_times_at_once(race: Race) -> None:
    """One counts, all are answered, the others are duplicates (REQ AD-10)."""
    ad = make_ad(price_model="CPM", price_amount=1000)
    token = show(ad)
    answers: list[Any] = race(50, lambda _: [*redeem([token]), *redeem([token])])
    told = Counter(reason for answer in answers for reason in reasons(answer))
    assert told == {"counted": 1, "duplicate": 99}
    assert (kinds(), buckets()) == ({"impression": 1}, {"duplicate": 99})
    assert billed(ad) == 10_000


def test_the_same_of_an_ad_that_nothing_locks(race: Race) -> None:
    """Without a price no row is locked: the key alone counts once (REQ AD-10)."""
    ad = make_ad()
    tokens = shows(ad, 10)
    answers: list[Any] = race(20, lambda n: redeem(tokens if n % 2 else tokens[::-1], viewable=n % 3 == 0))
    told = Counter(reason for answer in answers for reason in reasons(answer))
    assert kinds() == {"impression": 10, "viewable": 10}
    assert told["duplicate"] == buckets()["duplicate"] == 200 - told["counted"]


def test_without_the_key_one_token_counts_more_than_once(race: Race) -> None:
    """The control: who looks before the others have written finds nothing, and only the key refuses the second
    (REQ AD-10)."""
    ad = make_ad()
    token = show(ad)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ads_adevent DROP CONSTRAINT ads_adevent_pkey")
    try:
        with slow_inserts():
            race(4, lambda _: redeem([token]))
        assert kinds()["impression"] > 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM ads_adevent")
            cursor.execute("ALTER TABLE ads_adevent ADD PRIMARY KEY (issue_day, decision_id, kind)")


def test_one_click_of_many_is_billed(race: Race) -> None:
    """However it is told, together with its impression (REQ AD-05)."""
    ad = make_ad(price_model="CPC", price_amount=150)
    token = show(ad)
    race(16, lambda n: click(ad, token) if n % 2 else redeem([token], viewable=True))
    assert kinds() == {"click": 1, "impression": 1, "viewable": 1}
    assert billed(ad) == 1_500_000


# A thousand impressions at 10.00 for a thousand.
_BUDGET: dict[str, Any] = {"price_model": "CPM", "price_amount": 1000, "budget_total_amount": 1000}
_EACH = 10_000


def test_eight_workers_never_bill_above_the_budget(race: Race) -> None:
    """Budget for 1,000: exactly 1,000 of 1,200 are billed, the rest is over-delivery, all are counted (REQ AD-05)."""
    ad = make_ad(**_BUDGET)
    told = [[shows(ad, 50) for _ in range(3)] for _ in range(8)]
    answers = race(8, lambda n: [redeem(batch) for batch in told[n]])
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert kinds(ad) == {"impression": 1200}
    assert billed(ad) == 1_000 * _EACH
    assert unbilled(ad) == 200 * _EACH
    assert AdEvent.objects.filter(billed_micros=_EACH).count() == 1_000


def test_without_the_lock_the_budget_is_overrun(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: workers who look at what is left at the same time all bill it; only the database's CHECK refuses
    it then (REQ AD-05)."""
    ad = make_ad(**_BUDGET | {"budget_total_amount": 100})
    everybody_began = threading.Barrier(4)
    monkeypatch.setattr(billing, "lock", lambda _: connection.ensure_connection())
    told = [shows(ad, 75) for _ in range(4)]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ads_adspend DROP CONSTRAINT ad_never_billed_above_budget")
    try:
        with slow_inserts():
            race(4, lambda n: everybody_began.wait(20) >= 0 and redeem(told[n]))
        assert billed(ad) > 100 * _EACH
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ads_adspend SET billed_micros = 0")
            cursor.execute(
                "ALTER TABLE ads_adspend ADD CONSTRAINT ad_never_billed_above_budget"
                " CHECK (limit_micros IS NULL OR billed_micros <= limit_micros)"
            )


def test_batches_with_crossed_ads_do_not_wait_in_a_circle(race: Race) -> None:
    """Two and more batches with the same ads, tokens and buckets in opposite orders all pass (REQ AD-04)."""
    event = make_event()
    ads = [make_ad(event, price_model="CPM", price_amount=1000) for _ in range(4)] + [make_ad(event)]
    told = [show(ad, at=NOW) for ad in ads for _ in range(4)] + ["x", "y"]
    over = [show(ad, at=NOW - timedelta(days=1)) for ad in ads]
    orders = [told + over, (told + over)[::-1]]
    answers: list[Any] = race(8, lambda n: [redeem(orders[n % 2]) for _ in range(3)])
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert kinds() == {"impression": 20}
    assert buckets() == {"duplicate": 8 * 3 * 20 - 20, "expired": 8 * 3 * 5, "forged": 8 * 3 * 2}
    assert [billed(ad) for ad in ads] == [4 * _EACH] * 4 + [0]


def test_all_is_valid_or_in_a_bucket_and_the_figures_equal_a_recount(race: Race) -> None:
    """Threads with tokens of each other, of bots and of yesterday: what was sent is what counted and the buckets, and
    the day's figures equal its raw events (REQ AD-10)."""
    event = make_event()
    ads = [make_ad(event, price_model=model, price_amount=100) for model in ("CPM", "CPC", "FLAT")]
    shared = [show(ad) for ad in ads for _ in range(10)]
    over = [show(ad, at=NOW - timedelta(hours=2)) for ad in ads]

    def tell(number: int) -> list[str]:
        own = [show(ads[number % 3]) for _ in range(5)]
        batch = (shared + over + own + ["x"])[:: -1 if number % 2 else 1]
        robot = somebody(agent="python-requests/2") if number == 3 else None
        return reasons(redeem(batch, viewable=number % 3 == 0, who=robot))

    answers: list[Any] = race(6, tell)
    told = Counter(reason for answer in answers for reason in answer)
    assert told.total() == 6 * 39
    assert {reason: count for reason, count in told.items() if reason != "counted"} == buckets()
    work_dirty(now=NOW)
    proof = recount(event_id=event.pk, day=NOW.date())
    assert (proof.differences, proof.is_marked) == ((), False)
    assert {day.ad_id: day.impressions for day in AdDaily.objects.all()} == {
        ad.pk: kinds(ad)["impression"] for ad in ads
    }
    assert [billed(ad) for ad in ads] == [1_000 * kinds(ads[0])["impression"], 0, 1_000_000]
