"""Whatever arrives in whatever order: all of it is valid or in a bucket, and the books agree."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import NOW
from ads.models import AdEvent, EventKind
from ads.services import redeeming
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import billed, buckets, click, reasons, show, somebody, unbilled
from ads.types.redeeming import Seen

# Which of the tokens, and whether it was seen, or clicked.
_item = st.tuples(st.integers(0, 9), st.sampled_from([EventKind.IMPRESSION, EventKind.VIEWABLE]))
_call = st.tuples(st.sampled_from(["browser", "browser", "robot"]), st.lists(_item, min_size=1, max_size=12))
_Calls = list[tuple[str, list[tuple[int, EventKind]]]]
_calls = st.lists(
    st.one_of(_call, st.tuples(st.just("click"), st.lists(_item, min_size=1, max_size=1))), max_size=8
)


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    calls=_calls,
    price_model=st.sampled_from(["CPM", "CPC", "FLAT"]),
    budget=st.one_of(st.none(), st.integers(3, 9)),
)
def test_all_is_valid_or_in_a_bucket(calls: _Calls, price_model: str, budget: int | None) -> None:
    """Sent is counted and buckets; each kind of a decision counts once, on an impression; billed and over-delivery
    are what the price says of what counted, and never above the budget (REQ AD-10)."""
    with transaction.atomic():
        _check(calls, price_model, budget)
        transaction.set_rollback(True)


def _check(calls: _Calls, price_model: str, budget: int | None) -> None:
    price = 1_000 if price_model == "CPM" else 3
    ad = make_ad(price_model=price_model, price_amount=price, budget_total_amount=budget)
    other = make_ad(ad.event)
    tokens = [
        *(show(ad) for _ in range(6)),
        show(other),
        show(ad, at=NOW - timedelta(days=1)),
        "",
        show(ad)[:-1] + "!",
    ]
    told: Counter[str] = Counter()
    for who, items in calls:
        if who == "click":
            done = click(ad, tokens[items[0][0]])
            told[done.reason or "counted"] += 1
            continue
        seen = [Seen(tokens[number], kind == EventKind.VIEWABLE) for number, kind in items]
        robot = somebody(agent="") if who == "robot" else somebody()
        told.update(reasons(redeeming.redeem_impressions(seen=seen, who=robot, now=NOW)))
    assert told.total() == sum(len(items) for _, items in calls)
    assert {reason: count for reason, count in told.items() if reason != "counted"} == buckets()
    events = list(AdEvent.objects.filter(ad=ad))
    kinds = Counter(event.kind for event in events)
    assert {event.decision_id for event in events if event.kind != "impression"} <= {
        event.decision_id for event in events if event.kind == "impression"
    }
    due = {
        "CPM": 10_000 * kinds["impression"],
        "CPC": 30_000 * kinds["click"],
        "FLAT": 30_000 * bool(kinds["impression"]),
    }
    assert billed(ad) + unbilled(ad) == due[price_model]
    assert budget is None or billed(ad) <= budget * 10_000
    if unbilled(ad):
        assert budget is not None
        assert budget * 10_000 - billed(ad) < (10_000 if price_model == "CPM" else 30_000)
