"""What the dashboard's panels show: figures, what they are called, what they were before, and what fails alone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.tests.factories import NOW
from ads.models import AdDaily
from ads.tests.ad_factories import make_ad
from analytics.selectors.changes import Change, change
from analytics.selectors.funnel import funnel
from analytics.services import thresholds
from analytics.services.known import known
from analytics.services.rollup import refresh
from analytics.services.thresholds import Tone
from analytics.tests.experiments import make_experiment, people
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.figures import sold
from analytics.tests.test_dashboard import CONSOLES, enter
from analytics.types.figures import OfferFigures
from common import clock
from events.tests.factories import make_event
from offers.tests.factories import make_offer
from waitlist.tests.factories import make_full_session, waiting

pytestmark = pytest.mark.django_db

DAY = NOW.date()
TODAY = f"date_from={DAY}&date_to={DAY}"


@pytest.fixture(autouse=True)
def at_the_tests_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the clock at the edge: it stands still. What a test takes back, a process must not remember."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    known.forget()


def panel(client: Client, event: Any, name: str, query: str = TODAY) -> str:
    """Return a panel's words, in one line."""
    answer = client.get(f"{CONSOLES}{event.pk}/panel/{name}/?{query}")
    assert answer.status_code == 200, answer.content
    return " ".join(strip_tags(re.sub(r"<", " <", answer.content.decode())).split())


def busy_place() -> Place:
    """Return an event that sold, showed and was looked at today, and sold something the day before."""
    place = make_place()
    sold(place.offer, quantity=2, back=500)
    sold(place.offer, NOW - timedelta(days=1))
    sold(make_offer(event=place.event, currency="JPY", price=3000))
    keep(*(told(place, session_token=f"tab-{number}") for number in range(8)))
    keep(*(told(place, "OFFER_CLICK", session_token=f"tab-{number}") for number in range(4)))
    refresh(now=NOW)
    for ad, shown, clicks in ((place.ad, 100, 6), (make_ad(place.event, name="Dull"), 100, 1)):
        AdDaily.objects.create(
            ad=ad, day=DAY, event=place.event, impressions=shown, clicks=clicks, billed_micros=20_000_000,
            computed_at=NOW,
        )  # fmt: skip
    return place


def test_revenue_with_the_days_before(client: Client) -> None:
    """REQ AN-05, AN-10: net of refunds, absolute and relative change, a table behind the chart, currencies apart."""
    place = busy_place()
    enter(client, place.event)
    words = panel(client, place.event, "revenue")
    # 39.98 of offers and 40.00 of ads, less 5.00; the day before 19.99.
    assert "Net $74.98 up $54.99 (+275.1 %)" in words
    assert "Gross $79.98 up $59.99 (+300.1 %)" in words
    assert "Went back $5.00 up $5.00 (N/A)" in words
    assert "From tickets $0.00 unchanged" in words
    assert "21 Nov 2096 $39.98 $0.00 $40.00 $5.00 $74.98" in words
    assert "JPY ¥3,000 ¥0 ¥3,000" in words
    assert "Compared with 20 Nov 2096." in words
    assert "As of 21 Nov 2096, 12:00 UTC · data through 21 Nov 2096, 12:00 UTC" in words
    html = client.get(f"{CONSOLES}{place.event.pk}/panel/revenue/?{TODAY}").content.decode()
    assert 'role="img" aria-labelledby="revenue-chart revenue-chart-words"' in html
    bars = re.findall(
        r'class="mq-from-(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', html
    )
    # A scale of 80 above and 20 below the line: what came is stacked, what went back hangs.
    assert bars == [
        ("offers", "100.0", "80.04", "800.0", "79.96"), ("ads", "100.0", "0.04", "800.0", "80.0"),
        ("back", "100.0", "160.0", "800.0", "10.0"),
    ]  # fmt: skip


def test_the_funnel_and_its_thresholds(client: Client, settings: Any) -> None:
    """REQ AN-05: real stages, drop-off in words by the settings; none of what was not told, and conversion."""
    place = busy_place()
    enter(client, place.event)
    words = panel(client, place.event, "funnel")
    assert "Conversion 25.00 % Reaches 2.0 %" in words
    assert "Views 8 - -" in words
    assert "Clicks 4 50.0 % 50.0 % Moderate of views" in words
    assert "Carts No cart data - -" in words
    assert "Purchases 2 50.0 % 50.0 % Moderate of clicks" in words
    assert "N/A: more than in the stage before" not in words
    settings.DROPOFF_HIGH, settings.CONVERSION_SUCCESS = 0.5, 0.3
    words = panel(client, place.event, "funnel")
    assert words.count("High") == 2
    assert "Below 30.0 %" in words


def test_no_stage_is_made_up() -> None:
    """REQ AN-02, AN-05: a stage is compared with the last one that was told; more than before is N/A."""

    def told_of(views: int, clicks: int, carts: int, purchases: int) -> list[tuple[Any, ...]]:
        figures = OfferFigures(
            total_views=views, unique_viewers=0, total_clicks=clicks, total_carts=carts, total_purchases=purchases,
            conversion_rate=None, has_click_data=clicks > 0, top_performers=(),
        )  # fmt: skip
        return [(stage.count, stage.after, stage.came, stage.lost) for stage in funnel(figures)]

    assert told_of(100, 40, 10, 5) == [
        (100, "", None, None), (40, "Views", 0.4, 0.6), (10, "Clicks", 0.25, 0.75), (5, "Carts", 0.5, 0.5),
    ]  # fmt: skip
    assert told_of(100, 0, 0, 25) == [
        (100, "", None, None), (None, "", None, None), (None, "", None, None), (25, "Views", 0.25, 0.75),
    ]  # fmt: skip
    assert told_of(0, 0, 0, 3)[3] == (3, "", None, None)
    assert told_of(2, 4, 0, 0)[1:] == [
        (4, "Views", None, None),
        (None, "", None, None),
        (0, "Clicks", 0.0, 1.0),
    ]


def test_offers_and_ads_are_judged(client: Client) -> None:
    """REQ AN-05, AN-02: CTR_EXCELLENT and CTR_GOOD in words beside each ad; "No click data" where none was told."""
    place = busy_place()
    enter(client, place.event)
    ads = panel(client, place.event, "ads")
    assert "Click rate (CTR) 3.50 % Good N/A before" in ads
    assert "6.00 % Excellent $20.00" in ads
    assert "Dull 100 1 1.00 % Below 2.0 % $20.00" in ads
    offers = panel(client, place.event, "offers")
    assert "Views 8 up 8 (N/A)" in offers
    assert "Clicks 4 up 4 (N/A)" in offers
    assert f"{place.offer.title} 8 4 1 2 units $39.98 12.50 % Reaches 2.0 %" in offers
    before = panel(client, place.event, "offers", f"date_to={DAY - timedelta(days=1)}")
    assert "Clicks No click data" in before


def test_thresholds_include_their_own_value() -> None:
    """REQ AN-05: from the value on; nothing is called anything without a rate."""
    assert [thresholds.judge_ctr(rate).words for rate in (None, 0.0199, 0.02, 0.05)] == [
        "", "Below 2.0 %", "Good", "Excellent",
    ]  # fmt: skip
    assert [thresholds.judge_drop_off(share).tone for share in (None, 0.39, 0.4, 0.7)] == [
        Tone.NONE, Tone.GOOD, Tone.FAIR, Tone.POOR,
    ]  # fmt: skip
    assert [thresholds.judge_conversion(rate).words for rate in (None, 0.0199, 0.02)] == [
        "", "Below 2.0 %", "Reaches 2.0 %",
    ]  # fmt: skip
    assert change(3, 2) == Change(1, 0.5)
    assert (change(3, 0), change(3, -1)) == (Change(3, None), Change(4, None))
    assert (change(None, 1), change(1, None)) == (None, None)


def test_queues_and_experiments(client: Client) -> None:
    """REQ UI-06, AN-05: who waits, with the queue's page for those who may; verdicts in words with their page."""
    session = make_full_session()
    waiting(session, 3)
    event = session.event
    experiment = make_experiment(event, running=True, minimum_sample=100)
    people(experiment, (200, 20), (200, 90))
    enter(client, event)
    assert "Joined 3 up 3 (N/A) Seats offered 0 unchanged" in panel(
        client, event, "waitlist", f"date_from={DAY - timedelta(days=3)}"
    )
    queue = f'href="/admin/waitlist/sessionwaitlist/{session.pk}/change/"'
    address = f"{CONSOLES}{event.pk}/panel/"
    assert "People and groups waiting 3" in panel(client, event, "queues_now")
    assert queue not in client.get(f"{address}queues_now/").content.decode()
    verdict = client.get(f"{address}experiments/").content.decode()
    assert f'href="/admin/analytics/experiment/{experiment.pk}/results/"' in verdict
    assert "400 visitors" in verdict
    enter(client, event, "staff")
    assert queue in client.get(f"{address}queues_now/").content.decode()


def test_how_ads_and_offers_stand_now(client: Client) -> None:
    """REQ UI-06: ads by status and what they did today, each currency by itself; stock, the scarcest first."""
    place = busy_place()
    scarce = make_offer(event=place.event, title="Scarce", units=1)
    enter(client, place.event)
    ads = panel(client, place.event, "ads_now")
    assert "Live 2 Impressions today 200 Clicks today 7 Billed today $40.00" in ads
    offers = panel(client, place.event, "offers_now")
    assert offers.index("Scarce") < offers.index(place.offer.title)
    assert f"Scarce {'$19.99'} 0 0 1" in offers
    assert scarce.pk is not None


def test_nothing_yet_is_said(client: Client) -> None:
    """REQ AN-05: an event without anything says so in each panel, and rates are N/A."""
    event = make_event()
    enter(client, event)
    for name, words in (
        ("revenue", "No money came or went in these days"), ("funnel", "Nobody was seen looking at offers"),
        ("offers", "No offer was seen or bought"), ("ads", "No ad was shown"), ("waitlist", "Nobody joined a waitlist"),
        ("experiments", "No experiment was started"), ("ads_now", "This event has no ads yet"),
        ("offers_now", "Nothing is on sale now"), ("queues_now", "No session is ahead"),
    ):  # fmt: skip
        assert words in panel(client, event, name), name
    assert "Conversion N/A" in panel(client, event, "funnel")
    assert "Add the first ad" not in panel(client, event, "ads_now")
