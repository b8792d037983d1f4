"""The organizer's console of an event: who gets in, what each part leads to, and the days it is about."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import NOW, make_member
from analytics.models import DirtyDay
from analytics.services import refreshing
from analytics.services.known import known
from analytics.tests.factories import ago, keep, make_place, told
from common import clock
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

CONSOLES = "/admin/analytics/eventconsole/"
PARTS = ("", "ads/", "upsells/", "waitlist/")
# What each role finds on all parts together, beside the parts themselves.
SEEN_BY_ALL = {
    "Download", "Scheduled reports", "Experiments",
    "Ads of this event", "Performance of each ad", "Why an ad shows", "Invalid traffic",
    "Offers of this event", "Sessions",
}  # fmt: skip
SEEN_BY_STAFF = {"Add an ad", "Add an offer", "Purchases", "Orders", "Queues of this event"}


@pytest.fixture(autouse=True)
def _at_the_tests_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the clock at the edge: it stands still. What a test takes back, a process must not remember."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    known.forget()


def enter(client: Client, event: Event, role: str = "analyst") -> User:
    """Sign a member of the event's organization in."""
    member = make_member(role, organization=event.organization)
    client.force_login(member)
    return member


def page(client: Client, event: Event, part: str = "", query: str = "") -> Any:
    """Return a part's page."""
    return client.get(f"{CONSOLES}{event.pk}/{part}{query}")


@pytest.mark.parametrize(
    ("role", "wanted"), [("analyst", SEEN_BY_ALL), ("staff", SEEN_BY_ALL | SEEN_BY_STAFF)]
)
def test_each_role_is_led_to_what_it_may_open(client: Client, role: str, wanted: set[str]) -> None:
    """REQ UI-06: four parts with their own addresses; links only for who may, and each of them opens."""
    event = make_event()
    enter(client, event, role)
    led_to: dict[str, str] = {}
    for part in PARTS:
        context = page(client, event, part).context
        assert [one.title for one, _, _ in context["parts"]] == ["Insights", "Ads", "Upsells", "Waitlist"]
        led_to |= dict(context["links"])
    assert set(led_to) == wanted
    # What all see an analyst opens; a member of staff the rest.
    for label in led_to if role == "analyst" else SEEN_BY_STAFF:
        assert client.get(led_to[label]).status_code == 200, label


def test_it_is_found_from_the_events_screens(client: Client) -> None:
    """REQ UI-06: from the event's page, the list of events, the sidebar and the consoles' own list."""
    event = make_event()
    enter(client, event)
    address = f"{CONSOLES}{event.pk}/"
    for screen in ("/admin/events/event/", f"/admin/events/event/{event.pk}/change/", CONSOLES):
        assert f'href="{address}"' in client.get(screen).content.decode(), screen
    assert f'href="{CONSOLES}"' in client.get("/admin/").content.decode()
    assert page(client, event, "change/").status_code == 200


def test_others_do_not_get_in(client: Client) -> None:
    """REQ UI-06, EV-04: no sign-in, no role, another organization; a refresh changes nothing for them."""
    place = make_place()
    keep(told(place))
    address = f"{CONSOLES}{place.event.pk}/"
    paths = [*(f"{address}{part}" for part in PARTS), f"{address}panel/revenue/"]
    assert {client.get(path).status_code for path in paths} == {302}
    enter(client, place.event, "scanner")
    assert {client.get(path).status_code for path in paths} == {302}
    enter(client, make_event(), "owner")
    assert {client.get(path).status_code for path in paths} == {404}
    assert client.post(f"{address}refresh/").status_code == 404
    assert place.event.title not in client.get(CONSOLES).content.decode()
    assert DirtyDay.objects.count() == 1
    assert client.get(f"{CONSOLES}{uuid4()}/").status_code == 404
    assert client.get(f"{CONSOLES}no-event/change/").status_code == 404


def test_a_refresh_computes_what_was_told(client: Client) -> None:
    """REQ AN-04, UI-02: by POST with a token, for analysts too, back to the same days; too many are refused."""
    place = make_place()
    keep(told(place))
    member = enter(client, place.event)
    address = f"{CONSOLES}{place.event.pk}/refresh/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post(address).status_code == 403
    assert client.get(address).status_code == 405
    assert DirtyDay.objects.count() == 1
    days = {"date_from": "2096-11-01", "date_to": "2096-11-21", "part": "upsells"}
    answer = client.post(address, days)
    assert answer.headers["Location"] == (
        f"{CONSOLES}{place.event.pk}/upsells/?date_from=2096-11-01&date_to=2096-11-21"
    )
    assert DirtyDay.objects.count() == 0
    said = [client.post(address, headers={"accept": "application/json"}) for _ in range(6)]
    assert said[0].json() == {"message": "Nothing new."}
    assert [one.status_code for one in said] == [200] * 5 + [429]


def test_a_refresh_says_what_is_left(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-04, UI-02: how many days were computed, and how many still wait for the job by the clock."""
    place = make_place()
    enter(client, place.event)
    monkeypatch.setattr(refreshing, "DAYS_AT_ONCE", 2)
    keep(*(told(place, timestamp=ago(days=days)) for days in range(5)))
    address = f"{CONSOLES}{place.event.pk}/refresh/"
    answers = [client.post(address, headers={"accept": "application/json"}) for _ in range(3)]
    assert [one.json()["message"] for one in answers] == [
        "2 days computed anew. 3 days still wait and are computed within minutes.",
        "2 days computed anew. 1 day still waits and is computed within minutes.",
        "1 day computed anew.",
    ]


def test_the_days_and_their_shortcuts(client: Client) -> None:
    """REQ UI-02: thirty days without being asked, in the event's zone, which is said; pickers bound to what is."""
    event = make_event(time_zone="Pacific/Auckland")
    enter(client, event)
    answer = page(client, event)
    wanted = answer.context["chosen"].wanted
    # Noon in London is tomorrow there.
    assert (str(wanted.first), str(wanted.last)) == ("2096-10-24", "2096-11-22")
    assert [(days, is_shown) for days, _, is_shown in answer.context["chosen"].presets] == [
        (7, False), (30, True), (90, False),
    ]  # fmt: skip
    html = answer.content.decode()
    assert "Pacific/Auckland" in html
    assert 'data-range-days="365"' in html
    assert html.count('max="2096-11-22"') == 2
    asked = page(client, event, "ads/", "?date_from=2096-11-20&date_to=2096-11-21").context
    assert asked["panels"][0]["url"].endswith("/panel/ads_now/?date_from=2096-11-20&date_to=2096-11-21")
    assert asked["parts"][0][1].endswith("/?date_from=2096-11-20&date_to=2096-11-21")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("date_from=2096-11-21&date_to=2096-11-20", "date_to"),
        ("date_from=2095-11-21&date_to=2096-11-21", "date_to"),
        ("date_to=2096-11-22", "date_to"), ("date_from=never", "date_from"), ("date_to=2096-02-30", "date_to"),
        ("date_from=0001-01-01&date_to=0001-01-02", "date_from"),
    ],
)  # fmt: skip
def test_days_that_are_no_range(client: Client, query: str, field: str) -> None:
    """REQ UI-02, AN-03: forced by an address, the field says what is wrong with it; no figures, and no error."""
    event = make_event()
    enter(client, event)
    answer = page(client, event, query=f"?{query}")
    assert answer.status_code == 200
    assert set(answer.context["chosen"].form.errors) == {field}
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert answer.context["panels"] == []
    assert client.get(f"{CONSOLES}{event.pk}/panel/revenue/?{query}").status_code == 400


def test_a_page_costs_the_same_however_much_there_is(client: Client) -> None:
    """REQ UI-06: the frame has no figures, so it costs the same for every event; so does the list of consoles."""
    place = make_place()
    enter(client, place.event, "owner")

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    assert [cost(f"{CONSOLES}{place.event.pk}/{part}") for part in PARTS] == [4] * 4
    few = cost(CONSOLES)
    make_event(organization=place.event.organization)
    assert cost(CONSOLES) == few


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"CTR_GOOD": -0.1}, ["E017"]), ({"CONVERSION_SUCCESS": 5.0}, ["E017"]),
        ({"DROPOFF_HIGH": float("nan")}, ["E017", "E018"]),
        ({"CTR_GOOD": 0.05}, ["E018"]), ({"DROPOFF_MODERATE": 0.9}, ["E018"]), ({}, []),
    ],
)  # fmt: skip
def test_thresholds_are_checked_at_start_up(
    settings: Any, wrong: dict[str, float], number: list[str]
) -> None:
    """REQ AN-05, OP-05: shares of 0 to 1, the higher above the lower."""
    for name, value in wrong.items():
        setattr(settings, name, value)
    found = [one.id for one in run_checks(tags=["marquee"]) if one.id in {"marquee.E017", "marquee.E018"}]
    assert found == [f"marquee.{one}" for one in number]
