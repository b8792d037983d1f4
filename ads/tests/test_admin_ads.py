"""The staff's list of ads, through its page. REQ AD-01, EV-04: scoped, in words, a fixed number of statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.screens import assert_hidden, enter
from ads.models import Ad, AdDaily, AdPlacement, PriceModel
from ads.tests.ad_factories import make_ad
from ads.tests.staff import FORM, LIST, add_page, audited, bill, do
from common import clock
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


def test_the_list_says_price_schedule_and_spent_in_words(client: Client) -> None:
    """Placements, price, window and budget of each ad; a bar with words where there is a limit. REQ AD-05."""
    event = make_event(time_zone="Europe/Berlin")
    ad = make_ad(
        event, name="Coffee", placements=[AdPlacement.SIDEBAR, AdPlacement.EVENT_HERO], price_model=PriceModel.CPM,
        price_amount=500, budget_total_amount=10_000, starts_at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    make_ad(event, name="House ad")
    bill(ad, 12_500_000)
    enter(client, event.organization, "analyst")
    page = client.get(LIST).content.decode()
    for words in (
        "Coffee",
        "Event hero, Sidebar",
        "$5.00 per thousand",
        "$12.50 of $100.00",
        "Free",
        "Live",
        "CET",
    ):
        assert words in page
    assert page.count("<progress") == 1


def test_each_status_has_its_word_and_its_filter(client: Client) -> None:
    """Every ad is in one status only, which its row says and its filter keeps. REQ AD-01."""
    event, day, now = make_event(), timedelta(days=1), clock.now()
    enter(client, event.organization)
    made = {
        "Live": make_ad(event, ends_at=now + day),
        "Scheduled": make_ad(event, starts_at=now + day),
        "Ended": make_ad(event, is_active=False, ends_at=now - day),
        "Paused": make_ad(event, is_active=False),
        "Archived": make_ad(event, is_active=False, is_archived=True),
        "Out of budget": make_ad(event, price_model="CPM", price_amount=500, budget_total_amount=100),
    }
    bill(made["Out of budget"], 1_000_000)
    for word, ad in made.items():
        answer = client.get(LIST, {"status": word.upper().replace(" ", "_")})
        assert [row.pk for row in answer.context["cl"].result_list] == [ad.pk], word
        assert word in answer.content.decode().split('id="result_list"')[1]
    assert len(client.get(LIST).context["cl"].result_list) == 6


def test_ads_are_found_by_place_and_by_name(client: Client) -> None:
    """The filters and the search narrow the list. REQ AD-01."""
    event = make_event()
    enter(client, event.organization)
    hero = make_ad(event, name="Coffee", placements=["EVENT_HERO", "SIDEBAR"])
    feed = make_ad(event, name="Tea", placements=["IN_FEED"], content_type="VIDEO")
    for query, found in (
        ({"placement": "SIDEBAR"}, [hero]), ({"placement": "CHECKOUT"}, []), ({"q": "tea"}, [feed]),
        ({"content_type__exact": "VIDEO"}, [feed]), ({"placement": "nonsense"}, [feed, hero]),
    ):  # fmt: skip
        rows = client.get(LIST, query).context["cl"].result_list
        assert {row.pk for row in rows} == {one.pk for one in found}, query


def test_two_weeks_are_drawn_with_the_same_in_words(client: Client) -> None:
    """A line of daily impressions, whose text names each day's; nothing to draw is a dash. REQ AD-07."""
    event = make_event()
    ad = make_ad(event)
    today = clock.now().astimezone(event.zone).date()
    for days_ago, impressions in ((0, 7), (1, 1_200), (13, 3), (14, 999)):
        AdDaily.objects.create(
            ad=ad,
            day=today - timedelta(days=days_ago),
            event=event,
            impressions=impressions,
            computed_at=clock.now(),
        )
    make_ad(event)
    enter(client, event.organization)
    page = client.get(LIST).content.decode()
    words = f"1,210 impressions in 14 days: 3, {'0, ' * 11}1,200, 7"
    assert page.count("<svg viewBox") == 1
    assert f'role="img" aria-label="{words}"' in page


def test_the_list_costs_the_same_at_twenty_five_rows(client: Client) -> None:
    """A page's statements do not grow with its rows: one of them draws all lines. REQ AD-07."""
    event = make_event()
    enter(client, event.organization)
    costs = []
    for rows in (3, 22):
        for _ in range(rows):
            make_ad(event, budget_total_amount=5_000)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(LIST)
        costs.append(len(queries))
    assert len(answer.context["cl"].result_list) == 25
    assert costs == [7, 7]


def test_another_organizations_ads_are_not_there(client: Client) -> None:
    """Neither listed, nor shown, nor changed, nor acted on by a foreign id; nothing changes. REQ EV-04."""
    mine, theirs = make_ad(name="Mine"), make_ad(name="Theirs secret")
    enter(client, mine.event.organization, "owner")
    hidden = ("Theirs secret", theirs.event.title)
    assert_hidden(client, LIST, theirs, form=FORM, shown="Mine", hidden=hidden)
    assert client.get(add_page(theirs.event)).status_code == 404
    assert client.post(add_page(theirs.event), FORM).status_code == 404
    for name in ("pause", "resume", "archive", "show_now"):
        assert do(client, name, theirs, reason="Mischief").status_code == 404
    theirs.refresh_from_db()
    assert (theirs.name, theirs.is_active, theirs.is_archived) == ("Theirs secret", True, False)
    assert (Ad.objects.count(), audited()) == (2, [])
