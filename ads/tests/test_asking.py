"""Who asks for ads: programs hold nothing, and nobody asks without end."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW
from ads.decision import brakes
from ads.decision.asking import Asks, asks
from ads.decision.viewers import viewer_of
from ads.models import Pacing, PriceModel
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from ads.tests.redeeming import BROWSER
from ads.tests.test_serving_door import ask, serve
from common import clock
from common.errors import RateLimited
from common.redis import breaker
from config.local_stack.valkey import EmbeddedValkey

pytestmark = pytest.mark.django_db

PERSON = {"User-Agent": BROWSER}
CRAWLER = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


@pytest.fixture(autouse=True)
def _nothing_asked() -> Iterator[None]:
    asks.forget()
    yield
    asks.forget()


def test_a_program_is_answered_and_holds_nothing(client: Client) -> None:
    """However often it asks, by either door, the budget and the cap are there for people, whose asking does take
    them (REQ AD-03, AD-05)."""
    ad = make_ad(
        frequency_cap=1,
        price_model=PriceModel.CPM,
        price_amount=500,
        pacing=Pacing.ASAP,
        budget_total_amount=1,
    )
    today = clock.now().date()
    for _ in range(4):
        for headers in (CRAWLER, {}):
            answer = serve(client, ad.event_id, session_token="tab-1", headers=headers).json()
            assert (len(answer["ads"]), answer["degraded"]) == (1, False)
        assert len(ask(client, event=str(ad.event_id), headers=CRAWLER)["data"]["adsForContext"]) == 1
    assert brakes.reserved(ad.event_id, viewer_of(None, "tab-1"), today, now=clock.now()) == ({}, {})
    for tab, expected in (("tab-1", 1), ("tab-1", 0), ("tab-2", 1), ("tab-3", 0)):
        assert len(serve(client, ad.event_id, session_token=tab, headers=PERSON).json()["ads"]) == expected


def test_without_redis_a_program_holds_nothing_either(valkey: EmbeddedValkey) -> None:
    """The process's own caps are people's too (REQ AD-03)."""
    ad = make_ad(frequency_cap=1)
    breaker.reset()
    valkey.stop()
    for _ in range(3):
        assert shown(decide_at(ad.event, is_program=True)) == ids(ad)
    assert shown(decide_at(ad.event)) == ids(ad)
    assert shown(decide_at(ad.event)) == []
    assert shown(decide_at(ad.event, is_program=True)) == []
    breaker.reset()


def test_a_viewer_asks_so_often_a_minute(client: Client, settings: Settings) -> None:
    """429 with when to come again, on both doors; nothing is decided then, and other viewers go on (REQ AD-03)."""
    settings.AD_SERVE_VIEWER_RATE_LIMIT = 3
    ad = make_ad(frequency_cap=100)
    for _ in range(3):
        assert serve(client, ad.event_id, session_token="tab-1", headers=PERSON).status_code == 200
    refused = serve(client, ad.event_id, session_token="tab-1", headers=PERSON)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 60
    [error] = ask(client, event=str(ad.event_id), headers=PERSON)["errors"]
    assert error["extensions"]["code"] == "rate_limited"
    viewer = viewer_of(None, "tab-1")
    assert brakes.reserved(ad.event_id, viewer, clock.now().date(), now=clock.now())[1] == {ad.pk: 3}
    assert serve(client, ad.event_id, session_token="tab-2", headers=PERSON).status_code == 200
    for _ in range(5):
        assert serve(client, ad.event_id, headers=PERSON).status_code == 200


def test_an_address_asks_so_often_a_minute(
    client: Client, settings: Settings, django_assert_num_queries: Any
) -> None:
    """Whoever its viewers are; other addresses go on, and it costs no statement (REQ AD-03, AD-09)."""
    settings.AD_SERVE_NETWORK_RATE_LIMIT, settings.TRUSTED_PROXY_COUNT = 3, 1
    ad = make_ad()

    def status(address: str, number: int) -> int:
        headers = PERSON | {"X-Forwarded-For": address}
        return int(serve(client, ad.event_id, session_token=f"tab-{number}", headers=headers).status_code)

    assert [status("203.0.113.7", number) for number in range(3)] == [200] * 3
    with django_assert_num_queries(0):
        assert status("203.0.113.7", 4) == 429
        assert status("203.0.113.8", 5) == 200


def test_the_limits_leave_a_venue_its_room(settings: Settings) -> None:
    """Five thousand people behind one address, each with six slots that turn every 20 seconds (REQ AD-03)."""
    assert settings.AD_SERVE_NETWORK_RATE_LIMIT >= 5_000 * 6 * 3
    assert settings.AD_SERVE_VIEWER_RATE_LIMIT >= 6 * 60


def test_a_minute_begins_anew(settings: Settings) -> None:
    """What was refused is not counted, and what was counted is forgotten with its minute (REQ AD-03)."""
    settings.AD_SERVE_VIEWER_RATE_LIMIT = 2
    seconds = [60.0]
    mine, viewer = Asks(clock=lambda: seconds[0]), viewer_of(None, "tab")
    for _ in range(2):
        mine.count(viewer, "a")
    seconds[0] = 119.5
    with pytest.raises(RateLimited) as refusal:
        mine.count(viewer, "a")
    assert refusal.value.retry_after == 1
    seconds[0] = 120.0
    mine.count(viewer, "a")


def test_a_look_by_a_program_changes_no_key(valkey: EmbeddedValkey) -> None:
    """Nothing at all is written for it (REQ AD-03)."""
    ad = make_ad(price_model=PriceModel.CPM, price_amount=500, budget_total_amount=1_000)
    decide_at(ad.event, viewer="another")
    redis = valkey.client()
    before = {key: redis.hgetall(key) for key in redis.keys("ads:*")}
    assert shown(decide_at(ad.event, is_program=True, now=NOW)) == ids(ad)
    assert {key: redis.hgetall(key) for key in redis.keys("ads:*")} == before
