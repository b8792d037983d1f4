"""The staff's page of what ads did, its file, and the proof of a day. REQ AD-07, AD-10, UI-02."""

import csv
import io
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_member
from ads.models import Ad, AdDaily, AdFigures, EventKind
from ads.services import daily
from ads.tests.ad_factories import make_ad
from ads.tests.counted import happen, refuse
from common import clock
from common.audit.models import AuditEntry
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

PAGE = "/admin/ads/ad/performance/"
FILE, RECOUNT = f"{PAGE}file/", f"{PAGE}recount/"


@pytest.fixture
def now() -> datetime:
    """Return noon of the day before the real one: the pages read the clock, and figures of a day that is over stay."""
    return clock.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def enter(client: Client, event: Event, role: str = "analyst") -> None:
    """Sign a new member of the event's organization in."""
    client.force_login(make_member(role, organization=event.organization))


def deliver(ad: Ad, now: datetime) -> None:
    """Have an ad seen by two viewers, three times in all, once in sight, clicked once, past its budget once."""
    viewer = uuid.uuid4()
    for number in range(2):
        happen(ad, now + timedelta(seconds=number), viewer=viewer, billed_micros=5_000_000)
    happen(ad, now, unbilled_micros=5_000_000)
    happen(ad, now, EventKind.VIEWABLE, viewer=viewer)
    happen(ad, now, EventKind.CLICK, viewer=viewer)
    refuse(ad, now, count=1_500)
    refuse(ad, now, EventKind.CLICK, "duplicate", count=2)
    daily.recompute_event(event_id=ad.event_id, now=now)


def look(client: Client, event: Event, **query: Any) -> Any:
    """Open the page of an event."""
    return client.get(PAGE, {"event": event.pk, **query})


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Return the rows of a file that was answered."""
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def test_the_figures_of_each_ad_in_words(client: Client, now: datetime) -> None:
    """Counts, rates, refusals by reason, money and what was past the budget; N/A for rates of nothing. REQ AD-07."""
    event = make_event()
    deliver(make_ad(event, name="Coffee", price_model="CPM", price_amount=500_000), now)
    make_ad(event, name="Idle")
    enter(client, event)
    answer = look(client, event)
    coffee, idle = sorted(answer.context["rows"], key=lambda row: row.told.name)
    assert (
        coffee.told.impressions,
        coffee.told.viewable,
        coffee.told.clicks,
        coffee.told.unique_viewers,
    ) == (3, 1, 1, 2)
    assert (coffee.ctr, coffee.viewability, coffee.refused) == ("33.33 %", "33.3 %", 1_502)
    assert coffee.reasons == [("Automated client", 1_500), ("Counted before", 2)]
    assert (coffee.spend, coffee.over, coffee.over_what) == ("$10.00", "$5.00", "1 impressions")
    assert (idle.ctr, idle.viewability, idle.spend, idle.over) == ("N/A", "N/A", "$0.00", "-")
    page = answer.content.decode()
    for words in (
        "Coffee",
        "1,502",
        "Automated client: 1,500",
        "N/A",
        "Data through",
        event.time_zone,
        "2 ads",
    ):
        assert words in page


def test_a_range_is_shown_and_a_wrong_one_is_refused_at_its_field(client: Client, now: datetime) -> None:
    """Days of the event's calendar, both included; what is no range shows no figures. REQ UI-02."""
    event = make_event(time_zone="Pacific/Auckland")
    deliver(make_ad(event), now)
    enter(client, event)
    day = now.astimezone(event.zone).date()
    for first, last, impressions in ((day, day, 3), (day - timedelta(days=9), day - timedelta(days=1), 0)):
        answer = look(client, event, date_from=first, date_to=last)
        assert [row.told.impressions for row in answer.context["rows"]] == [impressions]
        assert f'value="{first}"' in answer.content.decode()
    for wrong, field in (
        ({"date_from": day, "date_to": day - timedelta(days=1)}, "date_to"),
        ({"date_from": day - timedelta(days=365), "date_to": day}, "date_to"),
        ({"date_from": "soon", "date_to": day}, "date_from"), ({"date_from": day}, "date_to"),
        ({"date_from": date(1, 1, 1), "date_to": day}, "date_from"),
    ):  # fmt: skip
        answer = look(client, event, **wrong)
        assert "rows" not in answer.context
        assert list(answer.context["form"].errors) == [field]
        page = answer.content.decode()
        assert 'aria-invalid="true"' in page
        assert f'id="id_{field}_error"' in page
        assert client.get(FILE, {"event": event.pk, **wrong})["Location"].startswith(PAGE)


def test_the_sidebar_marks_where_one_is(client: Client) -> None:
    """The pages beside the list have entries of their own, and one entry alone is marked. REQ AD-07."""
    event = make_event()
    enter(client, event)
    for address, title in (
        (PAGE, "Ad performance"),
        ("/admin/ads/ad/explain/", "Why an ad shows"),
        ("/admin/ads/ad/", "Ads"),
    ):
        groups = client.get(address).context["sidebar_navigation"]
        assert [item["title"] for group in groups for item in group["items"] if item["active"]] == [title]


def test_an_event_without_ads_says_so(client: Client) -> None:
    """Nothing to show is told, and there is no file of nothing. REQ AD-07."""
    event = make_event()
    enter(client, event)
    page = look(client, event).content.decode()
    assert "This event has no ads yet" in page
    assert "Download as CSV" not in page


def test_pages_and_statements(client: Client, now: datetime) -> None:
    """Fifty ads a page, as many statements for fifty as for one; a page past the end is the last. REQ AD-07."""
    event = make_event()
    enter(client, event)
    costs = []
    for number in (1, 50):
        for _ in range(number):
            make_ad(event)
        with CaptureQueriesContext(connection) as queries:
            answer = look(client, event)
        costs.append(len(queries))
    assert costs == [12, 12]
    assert (len(answer.context["rows"]), answer.context["page"].paginator.num_pages) == (50, 2)
    assert len(look(client, event, page="2").context["rows"]) == 1
    assert len(look(client, event, page="x").context["rows"]) == 50
    assert (
        len(rows_of(client.get(FILE, dict(look(client, event).context["form"].data) | {"event": event.pk})))
        == 51
    )


def test_the_file_has_the_same_figures_and_no_formulas(client: Client, now: datetime) -> None:
    """One line an ad; what a spreadsheet would calculate is text; rates of nothing are N/A. REQ AD-07."""
    event = make_event(slug="conf")
    deliver(make_ad(event, name="=HYPERLINK(1)", price_model="CPM", price_amount=500_000), now)
    make_ad(event, name="Idle")
    enter(client, event)
    day = now.date()
    answer = client.get(FILE, {"event": event.pk, "date_from": day, "date_to": day})
    assert answer["Content-Disposition"] == f'attachment; filename="ads-conf-{day}-{day}.csv"'
    assert "no-store" in answer["Cache-Control"]
    coffee, idle = sorted(rows_of(answer), key=lambda row: row["ad"])
    assert coffee["ad"] == "'=HYPERLINK(1)"
    kept = {name: coffee[name] for name in (
        "impressions", "viewable", "viewability", "unique_viewers", "clicks", "ctr", "invalid_impressions",
        "invalid_clicks", "spend", "over_delivery", "currency", "over_delivered_impressions",
    )}  # fmt: skip
    assert list(kept.values()) == [
        "3", "1", "0.333333", "2", "1", "0.333333", "1500", "2", "10.00", "5.00", "USD", "1",
    ]  # fmt: skip
    assert (idle["ctr"], idle["viewability"], idle["spend"]) == ("N/A", "N/A", "0.00")


def test_a_day_is_recounted_by_post(client: Client, now: datetime) -> None:
    """Stored beside raw, each figure; a drift is named; a GET counts nothing, and nothing is changed. REQ AD-10."""
    event = make_event()
    ad = make_ad(event, name="Coffee", price_model="CPM", price_amount=500_000)
    deliver(ad, now)
    enter(client, event)
    day = now.date()
    asked = {"event": event.pk, "day": day}
    assert client.get(RECOUNT, asked).context["proof"] is None
    proof = client.post(RECOUNT, asked).context["proof"]
    assert (proof.outcome.is_off, len(proof.lines)) == (False, 8)
    assert {(line.figure, line.stored, line.raw) for line in proof.lines} >= {
        ("Impressions", "3", "3"), ("Billed", "10.000000 USD", "10.000000 USD"),
    }  # fmt: skip
    AdDaily.objects.filter(ad=ad).update(clicks=7)
    answer = client.post(RECOUNT, asked)
    first, *others = answer.context["proof"].lines
    assert (first.figure, first.stored, first.raw, first.is_same) == ("Clicks", "7", "1", False)
    assert all(line.is_same for line in others)
    assert "1 figure is not what the raw events say." in answer.content.decode()
    assert AdDaily.objects.get(ad=ad).clicks == 7
    assert not AuditEntry.objects.exists()


def test_what_cannot_be_recounted_says_why(client: Client, now: datetime) -> None:
    """A day of nothing is equal, a frozen one is the record, a future or missing one is refused. REQ AD-10."""
    event = make_event()
    ad = make_ad(event)
    deliver(ad, now)
    enter(client, event)
    empty = client.post(RECOUNT, {"event": event.pk, "day": now.date() - timedelta(days=3)})
    assert "no ad did anything on this day" in empty.content.decode()
    for day in (clock.now().date() + timedelta(days=2), "", "soon"):
        answer = client.post(RECOUNT, {"event": event.pk, "day": day})
        assert list(answer.context["form"].errors) == ["day"]
        assert answer.context["proof"] is None
    AdFigures.objects.filter(pk=event.pk).update(
        frozen_day=now.date(), frozen_until=now + timedelta(hours=12)
    )
    page = client.post(RECOUNT, {"event": event.pk, "day": now.date()}).content.decode()
    assert "the stored figures are the record" in page
    assert "Raw events</th>" not in page


def test_events_end_at_the_organization(client: Client, now: datetime) -> None:
    """Another organization's event has no page, no file and no proof; scanners stay out. REQ EV-04."""
    event, theirs = make_event(), make_ad(name="Theirs secret")
    deliver(theirs, now)
    enter(client, event, "owner")
    day = now.date()
    asked = {"event": theirs.event_id, "date_from": day, "date_to": day, "day": day}
    for answer in (client.get(PAGE, asked), client.get(FILE, asked), client.post(RECOUNT, asked)):
        assert answer.status_code == 404
        assert b"Theirs secret" not in answer.content
    enter(client, theirs.event, "scanner")
    assert client.get(PAGE, asked).status_code == 302


@pytest.mark.parametrize("page", ["9" * 5_000, "10000", "0", "-1", "x"])
def test_a_page_that_is_none_is_the_first(client: Client, now: datetime, page) -> None:
    """REQ AD-07: whatever stands in the address."""
    ad = make_ad()
    enter(client, ad.event)
    assert client.get(f"{PAGE}?event={ad.event_id}&page={page}").status_code == 200


def test_a_day_before_all_days_is_refused(client: Client, now: datetime) -> None:
    """REQ AD-10: the field says so; nothing is counted."""
    ad = make_ad()
    enter(client, ad.event)
    answer = client.post(RECOUNT, {"event": ad.event_id, "day": "0001-01-01"})
    assert answer.status_code == 200
    assert b"From 1970-01-02 on." in answer.content
