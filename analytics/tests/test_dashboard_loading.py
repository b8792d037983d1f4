"""How the dashboard's panels load: each by itself, in a fixed number of statements."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.tests.factories import NOW
from ads.models import AdDaily
from ads.tests.ad_factories import make_ad
from analytics.admin.console_parts import PANELS
from analytics.models import LastAnswer
from analytics.tests.experiments import make_experiment, people
from analytics.tests.figures import broken, sold
from analytics.tests.test_dashboard import CONSOLES, enter
from analytics.tests.test_dashboard_panels import DAY, TODAY, at_the_tests_time, busy_place, panel
from events.tests.factories import make_event
from offers.tests.factories import make_offer

__all__ = ["at_the_tests_time"]

pytestmark = pytest.mark.django_db


def test_a_broken_panel_is_alone(client: Client) -> None:
    """REQ AN-05, AN-03: what was known stands in and says how old it is; without it that panel fails, no other does."""
    place = busy_place()
    enter(client, place.event)
    panel(client, place.event, "revenue")
    broken("payments_ledgerentry")
    stale = panel(client, place.event, "revenue")
    assert "Stale: newer figures could not be computed. Data through 21 Nov 2096, 12:00 UTC." in stale
    assert "Net $74.98 N/A before" in stale
    other_days = f"date_from={DAY - timedelta(days=5)}"
    address = f"{CONSOLES}{place.event.pk}/"
    assert client.get(f"{address}panel/revenue/?{other_days}").status_code == 503
    assert "Views 8" in panel(client, place.event, "offers", other_days)
    page = client.get(f"{address}?{other_days}&plain=1")
    assert page.status_code == 200
    html = page.content.decode()
    assert html.count("This could not be computed.") == 1
    assert 'Try again<span class="mq-hidden">: Revenue by day' in html
    assert "No experiment was started" in html


def test_a_slow_panel_is_alone_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-05, AN-03: experiments that take too long to count fail by themselves, on the plain page too."""
    place = busy_place()
    people(make_experiment(place.event, running=True), (3, 1), (3, 2))
    enter(client, place.event)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE analytics_exposure RENAME TO fast")
        cursor.execute("CREATE VIEW analytics_exposure AS SELECT fast.* FROM fast, pg_sleep(20)")
    monkeypatch.setattr("analytics.services.experiments.results.STATEMENT_SECONDS", 0.05)
    address = f"{CONSOLES}{place.event.pk}/"
    alone = client.get(f"{address}panel/experiments/?{TODAY}")
    assert (alone.status_code, alone.content) == (503, b"This could not be computed.")
    page = client.get(f"{address}?{TODAY}&plain=1")
    html = page.content.decode()
    assert (page.status_code, html.count("This could not be computed.")) == (200, 1)
    assert 'Try again<span class="mq-hidden">: Experiments' in html
    assert "Views 8" in " ".join(strip_tags(re.sub(r"<", " <", html)).split())


def test_the_newest_experiments_are_shown(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-05: no more verdicts than can be read, the newest first; the list of this event's has them all."""
    monkeypatch.setattr("analytics.admin.console_panels.MOST_EXPERIMENTS", 2)
    event = make_event()
    enter(client, event)
    # Independent of each other, so that none is named with another.
    weights = ((1, 1), (1, 1, 1), (1, 3))
    made = [
        make_experiment(event, running=True, name=f"Test {number}", weights=weights[number])
        for number in range(2)
    ]
    assert "All experiments" not in panel(client, event, "experiments")
    made.append(make_experiment(event, running=True, name="Test 2", weights=weights[2]))
    newest = sorted(made, key=lambda one: (one.started_at, one.pk), reverse=True)
    words = panel(client, event, "experiments")
    assert [one.name in words for one in newest] == [True, True, False]
    assert (
        words.index(newest[0].name)
        < words.index(newest[1].name)
        < words.index("All experiments of this event")
    )
    rest = f"{reverse('admin:analytics_experiment_changelist')}?event__id__exact={event.pk}"
    assert rest in client.get(f"{CONSOLES}{event.pk}/panel/experiments/?{TODAY}").content.decode()
    listed = client.get(rest).content.decode()
    assert [f"Test {number}" in listed for number in range(3)] == [True] * 3


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_costs_a_fixed_number_of_statements(client: Client, name: str) -> None:
    """REQ AN-05: for a year as for a day, for many offers, ads and queues as for few."""
    place = busy_place()
    enter(client, place.event)

    def cost(query: str) -> int:
        LastAnswer.objects.filter(part="experiments").delete()  # what was counted a moment ago costs less
        with CaptureQueriesContext(connection) as asked:
            panel(client, place.event, name, query)
        return len(asked)

    people(make_experiment(place.event, running=True), (3, 1), (3, 2))
    few = cost(TODAY)
    for _ in range(3):
        offer = make_offer(event=place.event)
        sold(offer)
        AdDaily.objects.create(
            ad=make_ad(place.event), day=DAY, event=place.event, impressions=9, computed_at=NOW
        )
        people(make_experiment(place.event, running=True), (3, 1), (3, 2))
    assert cost(TODAY) == few <= 34
    # There was nothing to name in the year before.
    assert few - 1 <= cost(f"date_from={DAY - timedelta(days=364)}&date_to={DAY}") <= few
