"""Tracked events: kept once each, in their own day, and every one that is not kept is told."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.tests.factories import NOW
from analytics.models import DirtyDay, RawEvent, RefusedCount, SeenEvent, TrackedType
from analytics.services.known import Known, known
from analytics.tests.factories import Place, ago, keep, make_place, told
from common import clock
from events.models import Event
from events.tests.factories import make_event
from offers.tests.factories import make_offer

pytestmark = pytest.mark.django_db

TRACK = "/api/v1/analytics/track"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def post(client: Client, body: object, content_type: str = "application/json", **headers: str):
    """Send a body as it is, or as JSON."""
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(TRACK, raw, content_type=content_type, **{"HTTP_USER_AGENT": BROWSER, **headers})


def test_a_batch_is_kept(client: Client) -> None:
    """REQ AN-01: 202 with how many were kept; each type, with what it says and whose it is."""
    place = make_place()
    now = clock.now()
    events = [
        told(place, kind, timestamp=now.isoformat(), metadata={"from": "home"}) for kind in TrackedType.values
    ]
    answer = post(client, {"events": events})
    assert answer.status_code == 202
    assert answer.json() == {"status": "accepted", "queued": 9, "duplicates": 0, "rejected": []}
    kept = RawEvent.objects.get(type="OFFER_VIEW")
    assert (kept.organization_id, kept.event_id) == (place.event.organization_id, place.event.pk)
    assert (kept.entity_id, kept.occurred_at, kept.metadata) == (place.offer.pk, now, {"from": "home"})
    assert kept.network == "127.0.0.0"
    assert DirtyDay.objects.count() == 1


def test_camel_case_and_a_beacon(client: Client) -> None:
    """REQ AN-01: the other spelling, text/plain without a preflight, milliseconds, ids that are no UUIDs."""
    place = make_place()
    now = clock.now()
    body = {
        "events": [{
            "id": "evt-7", "type": "OFFER_CLICK", "eventId": str(place.event.pk), "entityId": str(place.offer.pk),
            "timestamp": int(now.timestamp() * 1000), "sessionToken": "tab", "extra": [1],
        }],
        "sentAt": int(now.timestamp() * 1000),
    }  # fmt: skip
    assert post(client, body, "text/plain;charset=UTF-8").json()["queued"] == 1
    assert post(client, body, "application/x-www-form-urlencoded").json()["duplicates"] == 1
    kept = RawEvent.objects.get()
    assert kept.visitor is not None
    assert abs(kept.occurred_at - now) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", ""), ("[]", ""), ({}, "events"), ({"events": {}}, "events"), ({"events": []}, "events"),
        ({"events": [{}] * 501}, "events"),
    ],
)  # fmt: skip
def test_what_is_no_batch(client: Client, body, field) -> None:
    """REQ AN-01: a body that cannot be read is refused by its field, and nothing of it is kept."""
    answer = post(client, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    assert not RawEvent.objects.exists()
    assert not RefusedCount.objects.exists()


def test_a_body_that_is_too_long(client: Client) -> None:
    """REQ AN-01: a megabyte at most."""
    assert post(client, b" " * (1024 * 1024 + 1)).status_code == 413
    assert client.get(TRACK).status_code == 405


def bad_events(good: dict[str, Any], place: Place, other: Event, now: datetime) -> list[tuple[Any, str]]:
    """Return events that are not kept, with the code of each."""
    return [
        (5, "invalid"),
        ({**good, "id": "a", "type": None}, "invalid"),
        ({**good, "id": "b", "event_id": "x"}, "invalid"),
        ({**good, "id": "c", "entity_id": None}, "invalid"),
        ({**good, "id": "d", "timestamp": "2026-11-21T10:00:00"}, "invalid"),
        ({**good, "id": "e", "timestamp": 1e300}, "invalid"),
        ({**good, "id": "f", "metadata": [1]}, "invalid"),
        ({**good, "id": "g", "metadata": {"a": "\0"}}, "invalid"),
        ({**good, "id": "h", "metadata": {"a": "x" * 2_000}}, "invalid"),
        ({**good, "id": "i" * 65}, "invalid"),
        ({**good, "id": "j", "type": "OFFER_STOLEN"}, "unknown_type"),
        ({**good, "id": "k", "event_id": str(uuid4())}, "unknown_event"),
        ({**good, "id": "l", "event_id": str(other.pk)}, "unknown_entity"),
        ({**good, "id": "m", "entity_id": str(place.session.pk)}, "unknown_entity"),
        ({**good, "id": "n", "timestamp": (now - timedelta(days=8)).isoformat()}, "too_late"),
        ({**good, "id": "o", "timestamp": (now + timedelta(hours=1)).isoformat()}, "future"),
    ]


def test_one_bad_event_does_not_lose_the_good_ones(client: Client) -> None:
    """REQ AN-01: each is told by its place and a code, and counted."""
    place, now = make_place(), clock.now()
    good = told(place, timestamp=now.isoformat())
    bad = bad_events(good, place, make_event(), now)
    answer = post(client, {"events": [good, *(event for event, _ in bad), {**good, "id": "last"}]}).json()
    assert (answer["queued"], answer["duplicates"]) == (2, 0)
    assert [(one["index"], one["code"]) for one in answer["rejected"]] == [
        (index, code) for index, (_, code) in enumerate(bad, start=1)
    ]
    assert all(one["message"] for one in answer["rejected"])
    assert RawEvent.objects.count() == 2
    counted = {(row.event_id, row.reason): row.count for row in RefusedCount.objects.all()}
    assert counted[(place.event.pk, "too_late")] == 1
    assert counted[(None, "unknown_event")] == 1
    assert sum(counted.values()) == len(bad)


@pytest.mark.parametrize("raw", ['{"a": "\\ud800"}', '{"a": 1e999999}', '{"a": ' * 300 + "1" + "}" * 300])
def test_oddities_in_metadata_harm_nobody(client: Client, raw) -> None:
    """REQ AN-01: what the database cannot keep is refused alone, or kept as what it means."""
    place = make_place()
    good = json.dumps(told(place, timestamp=clock.now().isoformat()))
    odd = good.replace("{", f'{{"metadata": {raw}, ', 1).replace('"id": "', '"id": "x')
    answer = post(client, f'{{"events": [{odd}, {good}]}}')
    assert answer.status_code == 202
    assert answer.json()["queued"] + len(answer.json()["rejected"]) == 2
    assert answer.json()["queued"] >= 1, answer.json()


def test_half_a_sign_is_shown_as_such(client: Client) -> None:
    """REQ AN-01: JavaScript cuts texts in the middle of a sign; whole signs and backslashes stay what they are."""
    place = make_place()
    event = told(place, timestamp=clock.now().isoformat(), metadata={"text": ""})
    odd = json.dumps({"events": [event]}).replace('"text": ""', r'"text": "\\ud800 \ud83c\udf9f \ud83c"')
    assert post(client, odd).json()["queued"] == 1
    assert RawEvent.objects.get().metadata == {"text": "\\ud800 \U0001f39f \ufffd"}


def test_bytes_that_are_no_text(client: Client) -> None:
    """REQ AN-01: an event with bytes that are no UTF-8 is refused alone."""
    place = make_place()
    good = json.dumps(told(place, timestamp=clock.now().isoformat())).encode()
    answer = post(
        client, b'{"events": [' + good.replace(b'"id": "', b'"id": "\xff') + b", " + good + b"]}"
    ).json()
    assert (answer["queued"], [one["index"] for one in answer["rejected"]]) == (1, [0])


def test_a_retry_counts_nothing_again() -> None:
    """REQ AN-01: by the client's id, in one batch, over batches, and across midnight; each organization by itself."""
    place, other = make_place(), make_place()
    event = told(place)
    assert keep(event, event).queued == 1
    assert keep(event).duplicates == 1
    assert keep({**event, "timestamp": ago(hours=3)}, now=NOW + timedelta(days=1)).duplicates == 1
    assert keep(told(other, id=event["id"])).queued == 1
    assert (RawEvent.objects.count(), SeenEvent.objects.count()) == (2, 2)


def test_without_an_id_a_retry_says_the_same() -> None:
    """REQ AN-01: an older front end that gives no ids is kept once as well."""
    place = make_place()
    event = {name: value for name, value in told(place).items() if name != "id"}
    assert [keep(event).queued, keep(event).queued, keep({**event, "session_token": "tab-2"}).queued] == [
        1,
        0,
        1,
    ]


def test_a_wrong_clock_is_corrected() -> None:
    """REQ AN-10: an event of a clock that is two days behind lands in its own day, one a little off is left alone."""
    place = make_place()
    keep(told(place, timestamp=ago(days=2, hours=1)), sent_at=NOW - timedelta(days=2))
    keep(told(place, timestamp=ago(seconds=80)), sent_at=NOW - timedelta(seconds=50))
    keep(told(place, timestamp=(NOW + timedelta(days=3)).isoformat()), sent_at=NOW + timedelta(days=3))
    keep(told(place, timestamp=(NOW + timedelta(seconds=5)).isoformat()))
    happened = sorted(RawEvent.objects.values_list("occurred_at", flat=True))
    assert happened == [NOW - timedelta(hours=1), NOW - timedelta(seconds=80), NOW, NOW]


def test_up_to_seven_days_late() -> None:
    """REQ AN-10: a late event marks its own day, in the event's time zone; a later one is counted as refused."""
    place = make_place(time_zone="Pacific/Auckland")
    assert keep(told(place, timestamp=ago(days=7)), told(place, timestamp=ago(days=7, seconds=1))).queued == 1
    # 12:00 UTC is 01:00 of the next day there.
    assert DirtyDay.objects.get().day == date(2096, 11, 15)
    assert RefusedCount.objects.get().reason == "too_late"


def test_automated_clients_are_counted_apart() -> None:
    """REQ AN-01: nothing of theirs is kept, and the answer says so."""
    place = make_place()
    answer = keep(told(place), told(place, type="NOTHING"), bot=True)
    assert (answer.queued, [one.code for one in answer.rejected]) == (0, ["bot", "unknown_type"])
    assert not RawEvent.objects.exists()
    assert RefusedCount.objects.get(reason="bot").event_id == place.event.pk


@pytest.mark.parametrize("agent", ["", "Googlebot/2.1 (+http://www.google.com/bot.html)", "curl/8.5.0"])
def test_they_are_known_by_what_they_call_themselves(client: Client, agent) -> None:
    """REQ AN-01: and by calling themselves nothing."""
    place = make_place()
    body = {"events": [told(place, timestamp=clock.now().isoformat())]}
    answer = post(client, body, HTTP_USER_AGENT=agent).json()
    assert (answer["queued"], answer["rejected"][0]["code"]) == (0, "bot")


def test_nobody_is_followed_from_one_organization_to_another() -> None:
    """REQ AN-01: the same session token is another visitor there; without one nobody is."""
    place, other = make_place(), make_place()
    keep(told(place), told(place), told(other), told(place, session_token=None))
    visitors = [row.visitor for row in RawEvent.objects.filter(event_id=place.event.pk)]
    assert len({visitor for visitor in visitors if visitor}) == 1
    assert None in visitors
    assert RawEvent.objects.get(event_id=other.event.pk).visitor not in visitors


def test_a_warm_batch_costs_few_statements(django_assert_num_queries) -> None:
    """REQ AN-01: a copy and one statement, for any number of events; what there is is looked up once."""
    place = make_place()
    with django_assert_num_queries(
        4 + 5
    ):  # events, offers, ads, sessions; savepoint, stage, copy, write, release
        keep(told(place))
    with django_assert_num_queries(5):
        keep(*(told(place) for _ in range(50)))


def test_what_is_new_is_found_at_once_and_inventions_are_not_asked_for_again(
    django_assert_num_queries,
) -> None:
    """REQ AN-01: an offer made a moment ago counts; who invents offers makes us look once a second."""
    place, seconds = make_place(), [0.0]
    memory = Known(clock=lambda: seconds[0])
    asked = [(place.event.pk, "OFFER_VIEW", place.offer.pk)]
    memory.about(asked)
    with django_assert_num_queries(0):
        memory.about(asked)
    seconds[0] = 1.0
    offer = make_offer(event=place.event)
    assert memory.about([(place.event.pk, "OFFER_VIEW", offer.pk)])[place.event.pk].holds(
        "OFFER_VIEW", offer.pk
    )
    with django_assert_num_queries(0):
        memory.about([(place.event.pk, "OFFER_VIEW", uuid4()) for _ in range(500)])
    seconds[0] = 61.0
    with django_assert_num_queries(4):
        memory.about(asked)


def test_another_site_may_track_where_it_is_allowed(client: Client, settings) -> None:
    """REQ AN-01: CORS answers the origins of the list with their own name, and no others."""
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.test"]
    place = make_place()
    body = {"events": [told(place, timestamp=clock.now().isoformat())]}
    assert (
        post(client, body, HTTP_ORIGIN="https://shop.test")["Access-Control-Allow-Origin"]
        == "https://shop.test"
    )
    assert "Access-Control-Allow-Origin" not in post(client, body, HTTP_ORIGIN="https://else.test")


def test_a_flood_from_one_address_is_bounded(client: Client, settings) -> None:
    """REQ AN-01: over the limit 429 with a time to wait, and nothing is kept."""
    settings.TRACK_RATE_LIMIT = 1
    place = make_place()
    body = {"events": [told(place, timestamp=clock.now().isoformat())]}
    assert post(client, body).status_code == 202
    refused = post(client, {"events": [told(place, timestamp=clock.now().isoformat())]})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) >= 1
    assert RawEvent.objects.count() == 1
