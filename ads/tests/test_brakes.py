"""The brakes: caps of viewers, budgets of ads, pacing, and what is open until its token is over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import NOW
from ads.decision import brakes, pacing, restoring
from ads.decision.index import load
from ads.decision.pacing import Spent, held_back
from ads.decision.pool import Pool
from ads.decision.types import Candidate
from ads.decision.viewers import viewer_of
from ads.models import Ad, Pacing, PriceModel
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, redeemed, shown, told
from common.redis import client
from common.windows import Window, local_day
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
MIDNIGHT = datetime(2096, 11, 22, tzinfo=UTC)


def filled(event: Event, times: int, **options: Any) -> int:
    """Return how many of so many decisions in a row had an ad."""
    return sum(len(decide_at(event, **options).ads) for _ in range(times))


def priced(event: Event | None = None, **values: Any) -> Ad:
    """Build an ad at 5.00 for a thousand impressions, 5,000 micro-units each, that is not paced."""
    given = {"price_model": PriceModel.CPM, "price_amount": 500, "pacing": Pacing.ASAP, **values}
    return make_ad(event, **given)


def test_the_cap_is_per_viewer_and_ad() -> None:
    """Three a day by default; then the viewer's next ad, then none. Others have caps of their own (REQ AD-03)."""
    event = make_event()
    first, second = make_ad(event, weight=1000), make_ad(event, frequency_cap=1)
    seen = [ad for _ in range(6) for ad in shown(decide_at(event))]
    assert (seen.count(first.pk), seen.count(second.pk)) == (3, 1)
    assert filled(event, 5, viewer="tab-2") == 4
    assert filled(event, 2) == 0


def test_a_capped_viewer_is_found_what_is_left_among_many() -> None:
    """However many ads the viewer has had enough of, the one that is left is found (REQ AD-02)."""
    event = make_event()
    for _ in range(60):
        make_ad(event, frequency_cap=1, weight=1000)
    last = make_ad(event, frequency_cap=2)
    assert filled(event, 6, limit=10) == 60
    # 60 of them capped, or 59 and this one once.
    assert shown(decide_at(event, limit=10))[-1:] == ids(last)


def test_the_cap_is_of_a_local_day() -> None:
    """It begins anew at midnight of the event's time zone, not of UTC, and not a moment before (REQ AD-03)."""
    event = make_event(time_zone="America/New_York")
    make_ad(event, frequency_cap=2)
    midnight, morning = MIDNIGHT + 5 * HOUR, MIDNIGHT - 15 * HOUR
    for _ in range(2):
        redeemed(decide_at(event, now=morning).ads[0], event, now=morning)
    for still_today in (morning, MIDNIGHT, midnight - timedelta(microseconds=1)):
        assert filled(event, 1, now=still_today) == 0
    assert filled(event, 3, now=midnight) == 2


def test_what_was_not_redeemed_gives_the_cap_back() -> None:
    """An ad that was never shown holds the cap until its reservation is over, to the moment; one that was counts all
    day (REQ AD-03)."""
    event = make_event()
    make_ad(event, frequency_cap=2)
    first = decide_at(event, now=MIDNIGHT + HOUR)
    decide_at(event, now=MIDNIGHT + HOUR + timedelta(minutes=10))
    redeemed(first.ads[0], event, now=MIDNIGHT + HOUR + SECOND)
    over = MIDNIGHT + HOUR + timedelta(minutes=12)
    assert shown(decide_at(event, now=over - timedelta(milliseconds=1))) == []
    assert len(shown(decide_at(event, now=over))) == 1
    assert filled(event, 3, now=MIDNIGHT + 20 * HOUR) == 1


def test_asking_without_showing_holds_an_ad_for_minutes() -> None:
    """Long before the token is over the cap and the budget are free; what is told then counts (REQ AD-03, AD-05)."""
    ad = priced(budget_total_amount=1, frequency_cap=2)
    first = decide_at(ad.event).ads[0]
    assert filled(ad.event, 3) == 1
    later = NOW + timedelta(minutes=3)
    redeemed(first, ad.event, now=later, total=5_000, today=5_000)
    assert filled(ad.event, 3, now=later) == 1


def test_restoring_forgets_what_was_reserved() -> None:
    """After an outage an ad is not held back by what nobody will tell any more (REQ AD-05)."""
    ad = make_ad(price_model=PriceModel.CPM, price_amount=500, budget_total_amount=1, pacing=Pacing.ASAP)
    for viewer in ("a", "b"):
        assert shown(decide_at(ad.event, viewer=viewer)) == ids(ad)
    assert shown(decide_at(ad.event, viewer="c")) == []
    assert restoring.restore(ad.event_id, now=NOW)
    assert shown(decide_at(ad.event, viewer="c")) == ids(ad)


def test_an_impression_after_midnight_counts_on_its_own_day() -> None:
    """Decided at 23:59, seen at 0:01: yesterday's cap is free of it, today's has it (REQ AD-03)."""
    event = make_event()
    make_ad(event, frequency_cap=1)
    late = decide_at(event, now=MIDNIGHT - 60 * SECOND)
    redeemed(late.ads[0], event, now=MIDNIGHT + 59 * SECOND)
    assert shown(decide_at(event, now=MIDNIGHT + 61 * SECOND)) == []
    assert filled(event, 2, now=MIDNIGHT - 30 * SECOND) == 1


def test_viewers_without_a_name_keep_no_caps() -> None:
    """Who is nobody has no caps to keep (REQ AD-03)."""
    event = make_event()
    make_ad(event, frequency_cap=1)
    decision = decide_at(event, viewer=None)
    redeemed(decision.ads[0], event)
    assert [key for key in client().keys("ads:*") if b":caps:" in key] == []
    assert filled(event, 5, viewer=None) == 5


def test_a_total_budget_stops_in_time() -> None:
    """Four impressions' worth: four are let through, counted or not, and when a token is over one more (REQ AD-05)."""
    ad = priced(budget_total_amount=2)
    event = ad.event
    decisions = [decide_at(event, viewer=f"tab-{n}") for n in range(5)]
    assert [len(decision.ads) for decision in decisions] == [1, 1, 1, 1, 0]
    for number in range(3):
        redeemed(decisions[number].ads[0], event, total=5_000 * (number + 1), today=5_000 * (number + 1))
    assert filled(event, 1, viewer="late") == 0
    # The fourth was never shown: what it held is free a minute after its token at the latest.
    assert filled(event, 2, viewer="later", now=NOW + HOUR + timedelta(minutes=1)) == 1


def test_a_daily_budget_begins_anew_at_local_midnight() -> None:
    """Spent today in the event's zone, open again tomorrow (REQ AD-05)."""
    ad = priced(make_event(time_zone="Asia/Tokyo"), budget_daily_amount=1)
    event, tokyo_midnight = ad.event, datetime(2096, 11, 22, 15, tzinfo=UTC)
    before = tokyo_midnight - 3 * HOUR
    for number in range(2):
        decision = decide_at(event, viewer=f"tab-{number}", now=before)
        redeemed(decision.ads[0], event, now=before, total=5_000 * (number + 1), today=5_000 * (number + 1))
    assert filled(event, 1, viewer="x", now=tokyo_midnight - SECOND) == 0
    assert filled(event, 3, viewer="y", now=tokyo_midnight) == 2


def test_spend_is_never_lowered_by_whoever_comes_late() -> None:
    """Two redemptions that are told in the other order leave the later figure (REQ AD-05)."""
    ad = priced(budget_total_amount=2)
    event = ad.event
    served = [decide_at(event, viewer=f"tab-{n}").ads[0] for n in range(2)]
    brakes.redeemed([told(served[1], event, total=20_000, today=20_000)], now=NOW)
    brakes.redeemed([told(served[0], event, total=15_000, today=15_000)], now=NOW)
    assert filled(event, 1, viewer="late", now=NOW + 2 * HOUR) == 0


def test_even_pacing_lets_through_what_the_clock_does() -> None:
    """Of 24,000 micro-units a day: a quarter and the head start by six, all of it at the end; as fast as possible,
    all at once (REQ AD-05)."""
    even = make_event()
    # 100 impressions of 5,000 micro-units.
    priced(even, budget_daily_amount=50, pacing=Pacing.EVEN, frequency_cap=100)
    fast = make_event()
    priced(fast, budget_daily_amount=50, frequency_cap=100)

    def by(event: Event, now: datetime) -> int:
        """Return how many are let through until then, beginning with nothing spent."""
        count = 0
        while shown(decide_at(event, viewer=str(uuid4()), now=now)):
            count += 1
        return count

    so_far = 0
    for hours, allowed in ((0, 2), (6, 27), (12, 52), (23, 97)):
        # What is open counts as spent until its token is over, so what was given is told as billed.
        given = by(even, MIDNIGHT + hours * HOUR)
        so_far += given
        assert so_far == allowed
        _bill(even, so_far * 5_000, MIDNIGHT + hours * HOUR)
    assert by(fast, MIDNIGHT) == 100


def _bill(event: Event, micros: int, now: datetime) -> None:
    """Have everything that is open be over and billed instead."""
    ad = Ad.objects.get(event=event)
    book = brakes.keys.book(event.pk)
    client().hdel(book, b"r:" + ad.pk.bytes)
    client().hset(book, b"t:" + ad.pk.bytes, str(micros))
    client().hset(book, b"d:" + ad.pk.bytes, f"{now.date()}|{micros}")


def test_a_total_budget_is_paced_over_the_schedule() -> None:
    """Half of the time, half of the budget and the head start; without an end it is not paced (REQ AD-05)."""
    event = make_event()
    ad = priced(event, budget_total_amount=50, pacing=Pacing.EVEN, starts_at=NOW, ends_at=NOW + 10 * HOUR)
    # Beside a daily budget it is the daily one that is spread.
    endless = priced(event, budget_total_amount=50, pacing=Pacing.EVEN)
    candidates = {one.id: one for one in load(event.pk).candidates}
    day = local_day(NOW.date(), event.zone)
    pace = pacing.pace_of(candidates[ad.pk], day)
    assert pace is not None
    assert [pace.allowed(NOW + hours * HOUR) for hours in (0, 5, 10)] == [10_000, 260_000, 500_000]
    assert pacing.pace_of(candidates[endless.pk], day) is None


def test_a_click_price_stops_before_a_click_would_not_be_paid() -> None:
    """Decisions of an ad paid by click reserve nothing, and end when less than a click is left (REQ AD-05)."""
    ad = make_ad(price_model=PriceModel.CPC, price_amount=30, budget_total_amount=100, pacing=Pacing.ASAP)
    event = ad.event
    assert filled(event, 20, viewer=None) == 20
    served = decide_at(event, viewer="a").ads[0]
    brakes.redeemed([told(served, event, total=700_000, today=700_000)], now=NOW)
    assert filled(event, 1, viewer="b") == 1
    brakes.redeemed([told(served, event, total=900_000, today=900_000)], now=NOW)
    assert filled(event, 1, viewer="c") == 0


def test_a_flat_fee_is_not_held_back_by_its_budget() -> None:
    """It is billed once, with the first impression: what follows costs nothing (REQ AD-05)."""
    ad = make_ad(
        price_model=PriceModel.FLAT, price_amount=500, budget_total_amount=500, budget_daily_amount=500
    )
    served = decide_at(ad.event, viewer="a").ads[0]
    brakes.redeemed([told(served, ad.event, total=5_000_000, today=5_000_000)], now=NOW)
    assert filled(ad.event, 3, viewer="b") == 3


MICROS = st.integers(0, 10**14)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    total=st.none() | MICROS, daily=st.none() | MICROS, billed=MICROS, today=MICROS, open_ones=st.integers(0, 50),
    cost=st.integers(0, 10**9), is_paced=st.booleans(), minutes=st.integers(0, 24 * 60 - 1),
)  # fmt: skip
def test_script_and_python_hold_back_the_same(
    total: int | None, daily: int | None, billed: int, today: int, open_ones: int, cost: int, is_paced: bool,
    minutes: int,
) -> None:  # fmt: skip
    """Explanations and decisions without Redis go by the same budgets as the script (REQ AD-05, AD-08)."""
    now = MIDNIGHT + timedelta(minutes=minutes)
    day = Window(MIDNIGHT, MIDNIGHT + 24 * HOUR)
    ad = _candidate(total, daily, cost, is_paced)
    event_id = uuid4()
    book = brakes.keys.book(event_id)
    fields = {
        b"epoch": b"0123456789ab", b"version": b"1", b"t:" + ad.id.bytes: b"%d" % billed,
        b"d:" + ad.id.bytes: b"2096-11-22|%d" % today, b"r:" + ad.id.bytes: b"%d=%d" % (10**9, open_ones),
    }  # fmt: skip
    client().hset(book, mapping=fields)
    pool = brakes_pool(ad, day)
    answer = brakes.take(
        event_id=event_id, version=1, viewer=viewer_of(None, None), day=MIDNIGHT.date(), forget_at=b"1", wanted=1,
        now=now, ends_at=now + HOUR, candidates=pool,
    )  # fmt: skip
    brake = held_back(ad, Spent(billed, today, open_ones * cost), day, now)
    assert answer == b":" + (b"t" if brake is None else brake.value.encode())


def brakes_pool(ad: Candidate, day: Window) -> tuple[bytes, ...]:
    """Return the ad as a pool has it ready."""
    return Pool([ad], day=MIDNIGHT.date(), window=day, valid=day).ready


def _candidate(total: int | None, daily: int | None, cost: int, is_paced: bool) -> Candidate:
    return Candidate(
        id=uuid4(), name="",
        content_type="BANNER", media_url="", click_url="", duration=1, aspect_ratio="1:1", weight=1,
        cap=3, starts_at=None, ends_at=MIDNIGHT + 40 * HOUR, runs_from=MIDNIGHT - 30 * HOUR, price_model="CPM",
        currency="USD", cost_micros=cost, need_micros=cost, total_micros=total, daily_micros=daily,
        is_paced=is_paced, placements=frozenset(), target_sessions=frozenset(),
    )  # fmt: skip
