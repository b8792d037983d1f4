"""The doors that ads are counted through: REST, GraphQL and the link itself."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from accounts.tests.factories import bearer, make_membership, make_user
from ads.models import AdEvent, AdSpend
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import BROWSER, buckets, kinds, nothing_counted, show, shows
from common import clock
from common.redis import breaker
from config.local_stack.valkey import EmbeddedValkey

pytestmark = pytest.mark.django_db

IMPRESSIONS = "/api/v1/ads/impressions"


@pytest.fixture
def browser() -> Client:
    """A client that says it is a browser."""
    return Client(headers={"User-Agent": BROWSER})


def post(
    client: Client, body: Any, *, path: str = IMPRESSIONS, kind: str = "application/json", **more: Any
) -> Any:
    """Send a body as it is, or as JSON."""
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(path, raw, content_type=kind, **more)


def test_impressions_are_answered_by_their_place(browser: Client) -> None:
    """202, each counted or with its reason; what is no item is told, and holds back no other (REQ AD-04)."""
    ad = make_ad()
    one, two = shows(ad, 2, at=clock.now())
    items = [{"token": one}, {"token": one, "viewable": True}, {"token": one}, 5, {"token": None}, {},
             {"token": two, "viewable": "yes"}, {"token": two, "more": 1}]  # fmt: skip
    answer = post(browser, {"impressions": items})
    assert answer.status_code == 202
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "results": [
            {"index": 0, "counted": True}, {"index": 1, "counted": True},
            {"index": 2, "counted": False, "reason": "duplicate"},
            *({"index": index, "counted": False, "reason": "forged"} for index in (3, 4, 5, 6)),
            {"index": 7, "counted": True},
        ]
    }  # fmt: skip
    assert kinds() == {"impression": 2, "viewable": 1}
    assert buckets() == {"duplicate": 1, "forged": 4}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", ""), ("[]", ""), (b"\xff", ""), ({}, "impressions"), ({"impressions": {}}, "impressions"),
        ({"impressions": None}, "impressions"), ({"impressions": []}, "impressions"),
        ({"impressions": [{"token": "x"}] * 101}, "impressions"), ("[" * 100_000, ""),
    ],
)  # fmt: skip
def test_what_is_no_batch(browser: Client, body: Any, field: str) -> None:
    """400 naming the field, and nothing is counted (REQ AD-04)."""
    answer = post(browser, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert nothing_counted()


def test_half_a_sign_loses_its_own_item_alone(browser: Client) -> None:
    """What JavaScript writes for half of a sign is no token; the others of the call count (REQ AD-04)."""
    ad = make_ad()
    one, two = shows(ad, 2, at=clock.now())
    body = '{"impressions": [{"token": "%s"}, {"token": "\\ud800"}, {"token": "a\\udc00"}, {"token": "%s"}]}'
    answer = post(browser, body % (one, two))
    assert answer.status_code == 202
    assert [item.get("reason", "counted") for item in answer.json()["results"]] == [
        "counted", "forged", "forged", "counted",
    ]  # fmt: skip
    clicked = post(browser, '{"token": "\\ud800"}', path=f"/api/v1/ads/{ad.pk}/click")
    assert (clicked.status_code, clicked.json()["reason"]) == (202, "forged")
    assert (kinds(), buckets()) == ({"impression": 2}, {"forged": 3})


def test_a_body_has_its_bound(browser: Client) -> None:
    """256 kB are read, one byte more is not (REQ AD-04)."""
    ad = make_ad()
    body = json.dumps({"impressions": [{"token": show(ad, at=clock.now())}]})
    assert post(browser, body.ljust(256 * 1024 + 1)).status_code == 400
    assert nothing_counted()
    assert post(browser, body.ljust(256 * 1024)).status_code == 202
    assert browser.get(IMPRESSIONS).status_code == 405


def test_a_beacon_needs_no_preflight(browser: Client, settings: Any) -> None:
    """Plain text from another origin is read, and that origin may read the answer (REQ AD-04)."""
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.test"]
    ad = make_ad()
    body = {"impressions": [{"token": show(ad, at=clock.now())}]}
    answer = post(browser, body, kind="text/plain;charset=UTF-8", headers={"Origin": "https://shop.test"})
    assert answer.json() == {"results": [{"index": 0, "counted": True}]}
    assert answer["Access-Control-Allow-Origin"] == "https://shop.test"


def test_who_calls(browser: Client) -> None:
    """Nobody need sign in; a token that is given must be valid; the organizer's people are known by it (REQ AD-04)."""
    ad = make_ad()
    token = show(ad, at=clock.now())
    body = {"impressions": [{"token": token}]}
    for path, sent in ((IMPRESSIONS, body), (f"/api/v1/ads/{ad.pk}/click", {"token": token})):
        answer = post(browser, sent, path=path, headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert nothing_counted()
    staff = make_membership(organization=ad.event.organization).user
    assert post(browser, body, headers=bearer(staff)).json()["results"][0]["reason"] == "staff"
    assert post(browser, body, headers=bearer(make_user())).json()["results"][0]["counted"]


def test_a_client_without_a_name_is_no_browser() -> None:
    """It is answered, and not counted (REQ AD-04)."""
    ad = make_ad()
    answer = post(Client(), {"impressions": [{"token": show(ad, at=clock.now())}]})
    assert answer.json() == {"results": [{"index": 0, "counted": False, "reason": "bot"}]}
    assert kinds() == {}


@pytest.mark.parametrize("ads", [1, 10])
def test_fifty_take_six_statements(browser: Client, ads: int) -> None:
    """However many ads and prices, and with every bucket filled (REQ AD-04)."""
    made = [make_ad(price_model="CPM" if n % 2 else "FLAT", price_amount=500) for n in range(ads)]
    told = [show(made[n % ads], at=clock.now()) for n in range(48)]
    items = [{"token": token, "viewable": n % 3 == 0} for n, token in enumerate([*told, told[0], "forged"])]
    user = make_user()
    breaker.reset()  # while Redis is thought away, each event has its brakes restored by a job
    with CaptureQueriesContext(connection) as queries:
        answer = post(browser, {"impressions": items}, headers=bearer(user))
    assert sum(one["counted"] for one in answer.json()["results"]) == 48
    sent = [one["sql"].split()[0] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(sent) <= 6, sent


def test_a_click_is_answered(browser: Client) -> None:
    """Counted once, with where it leads; 404 for another ad, and a body that is not one names its field (REQ AD-04)."""
    ad = make_ad()
    path = f"/api/v1/ads/{ad.pk}/click"
    body = {"token": show(ad, at=clock.now())}
    leads = {"click_url": "https://shop.test/tour"}
    first = post(browser, body, path=path)
    assert (first.status_code, first.json()) == (202, {"counted": True, **leads})
    again = post(browser, body, path=path, kind="text/plain")
    assert again.json() == {"counted": False, "reason": "duplicate", **leads}
    assert post(browser, body, path=f"/api/v1/ads/{uuid4()}/click").status_code == 404
    for wrong, field in (({}, "token"), ({"token": 1}, "token"), ("[]", "")):
        answer = post(browser, wrong, path=path)
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert kinds() == {"click": 1, "impression": 1}


def test_go_leads_to_the_stored_destination(browser: Client) -> None:
    """302, counted once, kept by nobody, and nothing that is sent along changes where it leads (REQ AD-10)."""
    ad = make_ad(click_url="https://shop.test/tour?a=1&b=%C3%BC#top")
    query = {"token": show(ad, at=clock.now()), "url": "https://evil.test", "next": "//evil.test"}
    for _ in range(2):
        answer = browser.get(f"/api/v1/ads/{ad.pk}/go", query)
        assert (answer.status_code, answer["Location"]) == (302, "https://shop.test/tour?a=1&b=%C3%BC#top")
        assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "strict-origin")
    assert (kinds(), buckets()) == ({"click": 1, "impression": 1}, {"duplicate": 1})


def test_go_leads_there_whatever_the_token_is_worth(browser: Client) -> None:
    """No token, a changed one, one of another ad, a program: the person arrives, the bucket fills (REQ AD-10)."""
    ad, other = make_ad(), make_ad(click_url="https://evil.test")
    token = show(other, at=clock.now())
    path = f"/api/v1/ads/{ad.pk}/go"
    answers = [
        browser.get(path),
        browser.get(path, {"token": "\u00fc+"}),
        browser.get(path, {"token": token}),
    ]
    answers += [browser.get(path + "/?token=" + token, headers={"Authorization": "Bearer nonsense"})]
    answers += [Client().get(path, {"token": show(ad, at=clock.now())})]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, ad.click_url)] * 5
    assert kinds() == {}
    assert buckets() == {"forged": 2, "foreign": 2, "bot": 1}


def test_go_knows_what_is_not_there(browser: Client) -> None:
    """404 for an unknown ad and one without a destination; a look at the head counts nothing (REQ AD-10)."""
    for ad_id in (uuid4(), make_ad(click_url="").pk):
        assert browser.get(f"/api/v1/ads/{ad_id}/go").status_code == 404
    ad = make_ad()
    head = browser.head(f"/api/v1/ads/{ad.pk}/go", {"token": show(ad, at=clock.now())})
    assert (head.status_code, head["Location"]) == (302, ad.click_url)
    assert browser.head(f"/api/v1/ads/{uuid4()}/go").status_code == 404
    assert browser.post(f"/api/v1/ads/{ad.pk}/go").status_code == 405
    assert nothing_counted()


def test_redis_may_be_away(browser: Client, valkey: EmbeddedValkey) -> None:
    """What is told is durable and billed, links lead on, and each counts once when Redis is back (REQ AD-10)."""
    ad = make_ad(price_model="CPC", price_amount=100)
    one, two = shows(ad, 2, at=clock.now())
    body = {"impressions": [{"token": one, "viewable": True}]}
    valkey.stop()
    assert post(browser, body).json() == {"results": [{"index": 0, "counted": True}]}
    assert browser.get(f"/api/v1/ads/{ad.pk}/go", {"token": two}).status_code == 302
    assert kinds() == {"click": 1, "impression": 2, "viewable": 1}
    valkey.start()
    assert post(browser, body).json()["results"][0]["reason"] == "duplicate"
    assert browser.get(f"/api/v1/ads/{ad.pk}/go", {"token": two}).status_code == 302
    assert kinds() == {"click": 1, "impression": 2, "viewable": 1}
    assert AdSpend.objects.get(pk=ad.pk).billed_micros == 1_000_000


GRAPHQL = """
mutation ($seen: [AdImpressionInput!]!, $ad: ID!, $token: String!) {
  trackAdImpressions(impressions: $seen) { index counted reason }
  trackAdClick(adId: $ad, token: $token) { counted reason clickUrl }
}
"""


def ask(client: Client, **variables: Any) -> Any:
    """Tell it over GraphQL."""
    body = {"query": GRAPHQL, "variables": variables}
    return client.post("/graphql", body, content_type="application/json").json()


def test_graphql_counts_the_same(browser: Client) -> None:
    """The same services, reasons in capitals (REQ AD-04)."""
    ad = make_ad()
    token = show(ad, at=clock.now())
    seen = [{"token": token, "viewable": True}, {"token": token}, {"token": "x"}]
    assert ask(browser, seen=seen, ad=str(ad.pk), token=token)["data"] == {
        "trackAdImpressions": [
            {"index": 0, "counted": True, "reason": None}, {"index": 1, "counted": False, "reason": "DUPLICATE"},
            {"index": 2, "counted": False, "reason": "FORGED"},
        ],
        "trackAdClick": {"counted": True, "reason": None, "clickUrl": "https://shop.test/tour"},
    }  # fmt: skip
    assert kinds() == {"click": 1, "impression": 1, "viewable": 1}


def test_graphql_refuses_the_same(browser: Client) -> None:
    """No items, too many, an ad that is not there (REQ AD-04)."""
    ad = str(make_ad().pk)
    for seen in ([], [{"token": "x"}] * 101):
        error = ask(browser, seen=seen, ad=ad, token="x")["errors"][0]["extensions"]
        assert (error["code"], [one["field"] for one in error["errors"]]) == ("invalid", ["impressions"])
    error = ask(browser, seen=[{"token": "x"}], ad=str(uuid4()), token="x")["errors"][0]["extensions"]
    assert error["code"] == "not_found"
    assert not AdEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_go_leads_there_when_counting_has_no_time(browser: Client) -> None:
    """Somebody holds what the ad was billed: the person arrives, and it is logged (REQ AD-10)."""
    ad = make_ad(price_model="CPC", price_amount=100)
    path = f"/api/v1/ads/{ad.pk}"
    token = show(ad, at=clock.now())
    with _held(ad.pk), capture_logs() as logs:
        began = time.monotonic()
        answer = browser.get(f"{path}/go", {"token": token})
        assert time.monotonic() - began < 3  # one wait alone would have been as long
        connection.cursor().execute("SET lock_timeout = 50")
        assert post(browser, {"token": token}, path=f"{path}/click").status_code == 503
        connection.cursor().execute("RESET lock_timeout")
    assert (answer.status_code, answer["Location"]) == (302, ad.click_url)
    assert [line["log_level"] for line in logs if line["event"] == "ad_click_not_counted"] == ["warning"]
    assert nothing_counted()
    assert post(browser, {"token": token}, path=f"{path}/click").json()["counted"]


def _held(ad_id: Any) -> Any:
    """Hold an ad's spend by another connection until the block ends."""
    from contextlib import contextmanager

    import psycopg

    @contextmanager
    def held() -> Any:
        parameters = {
            name: value for name, value in connection.get_connection_params().items()
            if name in ("dbname", "user", "password", "host", "port")
        }  # fmt: skip
        with psycopg.connect(**parameters) as other:
            other.execute("SELECT 1 FROM ads_adspend WHERE ad_id = %s FOR UPDATE", [ad_id])
            yield

    return held()
