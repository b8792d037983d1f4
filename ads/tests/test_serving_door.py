"""The door that serves ads: REST and GraphQL."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from accounts.tests.factories import bearer, make_user
from ads.decision import tokens
from ads.decision.viewers import viewer_of
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import BROWSER
from common import clock
from events.tests.factories import make_event, make_registration, make_session

pytestmark = pytest.mark.django_db

SERVE = "/api/v1/ads/serve"


def serve(client: Client, event_id: object, *, headers: Any = None, path: str = SERVE, **more: Any) -> Any:
    """Ask for ads in the hero of an event."""
    query = {
        "event_id": str(event_id),
        "placement": "EVENT_HERO",
        **{name: str(given) for name, given in more.items()},
    }
    return client.get(path, query, headers=headers or {})


def test_what_is_served(client: Client) -> None:
    """The whole answer, its token's way to the click counted, and no copy of it kept anywhere (REQ AD-02)."""
    name = 'Ünder "the" <stage> \\ 50%'
    ad = make_ad(name=name, click_url="https://shop.test/tour?a=1&b=2", display_duration_seconds=12)
    answer = serve(client, ad.event_id, session_token="tab-1")
    assert answer.status_code == 200
    [token] = [one["token"] for one in answer.json()["ads"]]
    assert answer.json() == {
        "ads": [
            {
                "id": str(ad.pk), "name": name, "content_type": "BANNER", "media_url": "https://media.test/ad.png",
                "click_url": "https://shop.test/tour?a=1&b=2",
                "tracked_click_url": f"http://testserver/api/v1/ads/{ad.pk}/go?token={token}",
                "display_duration_seconds": 12, "aspect_ratio": "16:9", "token": token,
            }
        ],
        "degraded": False,
    }  # fmt: skip
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    claims = tokens.read(token)
    assert (claims.ad_id, claims.viewer) == (ad.pk, viewer_of(None, "tab-1"))
    assert serve(client, ad.event_id, path=f"{SERVE}/").status_code == 200


def test_an_ad_without_a_destination_has_no_tracked_one(client: Client) -> None:
    """Nothing to click (REQ AD-04)."""
    ad = make_ad(click_url="")
    [served] = serve(client, ad.event_id).json()["ads"]
    assert (served["click_url"], served["tracked_click_url"]) == ("", None)


def test_several_are_a_list(client: Client) -> None:
    """As many as are asked for and there are, in one answer (REQ AD-02)."""
    event = make_event()
    made = {str(make_ad(event).pk) for _ in range(3)}
    answer = serve(client, event.pk, session_token="a", limit=10).json()
    assert {served["id"] for served in answer["ads"]} == made
    assert len(serve(client, event.pk, session_token="b").json()["ads"]) == 1
    assert serve(client, make_event().pk).json() == {"ads": [], "degraded": False}


def test_who_is_signed_in_is_one_viewer_everywhere(client: Client, django_assert_num_queries: Any) -> None:
    """The token's person, whatever session token comes with it, and nobody is looked up (REQ AD-02)."""
    ad, user = make_ad(), make_user()
    serve(client, ad.event_id)
    with django_assert_num_queries(0):
        answer = serve(client, ad.event_id, headers=bearer(user), session_token="tab-1")
    [served] = answer.json()["ads"]
    assert tokens.read(served["token"]).viewer == viewer_of(user.pk, None)


def test_a_token_that_is_not_valid_is_refused(client: Client) -> None:
    """As on every door: 401, and told apart from none (REQ EV-02)."""
    ad = make_ad()
    for header in ("Bearer nonsense", "Bearer", "Bearer a b"):
        answer = serve(client, ad.event_id, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_private_event_is_only_for_its_people(client: Client) -> None:
    """404 for everybody else, as for an event that is not there (REQ AD-02)."""
    ad = make_ad(make_event(private=True))
    user = make_registration(ad.event).user
    assert serve(client, ad.event_id, headers=bearer(user)).json()["ads"][0]["id"] == str(ad.pk)
    gone = make_user(is_active=False)
    make_registration(ad.event, gone)
    assert serve(client, ad.event_id, headers=bearer(gone)).status_code == 401
    for answer in (serve(client, ad.event_id), serve(client, ad.event_id, headers=bearer(make_user()))):
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    assert serve(client, uuid4()).status_code == 404


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", {"event_id": "required", "placement": "required"}),
        ("event_id=&placement=", {"event_id": "required", "placement": "required"}),
        ("event_id=1&placement=EVENT_HERO", {"event_id": "not_an_id"}),
        ("event_id={event}&placement=event_hero", {"placement": "invalid_choice"}),
        ("event_id={event}&placement=SIDEBAR&session_id=x", {"session_id": "not_an_id"}),
        ("event_id={event}&placement=SIDEBAR&ad_id=x", {"ad_id": "not_an_id"}),
        ("event_id={event}&placement=SIDEBAR&limit=0", {"limit": "out_of_range"}),
        ("event_id={event}&placement=SIDEBAR&limit=11", {"limit": "out_of_range"}),
        ("event_id={event}&placement=SIDEBAR&limit=%31x", {"limit": "out_of_range"}),
        ("event_id={event}&placement=SIDEBAR&limit=-1", {"limit": "out_of_range"}),
        ("event_id={event}&placement=SIDEBAR&color=red", {"color": "unknown_field"}),
        ("event_id={event}&placement=SIDEBAR&placement=IN_FEED", {"placement": "repeated"}),
        ("event_id=x&placement=y&limit=z&a=b", {
            "event_id": "not_an_id", "placement": "invalid_choice", "limit": "out_of_range", "a": "unknown_field",
        }),
    ],
)  # fmt: skip
def test_each_wrong_parameter_is_named(client: Client, query: str, wrong: dict[str, str]) -> None:
    """400 with all of them at once (REQ AD-02)."""
    answer = client.get(f"{SERVE}?{query.format(event=uuid4())}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == wrong


def test_a_session_token_has_its_bound(client: Client) -> None:
    """128 characters are taken, whatever they are; one more is not (REQ AD-02)."""
    ad = make_ad()
    token = "ü&=+ %" * 21 + "ab"
    [served] = serve(client, ad.event_id, session_token=token).json()["ads"]
    assert tokens.read(served["token"]).viewer == viewer_of(None, token)
    answer = serve(client, ad.event_id, session_token=token + "c")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["session_token"]


def test_other_methods_are_refused(client: Client) -> None:
    """405 as everywhere; a look at the head is read, decides nothing and holds nothing (REQ AD-02, AD-03)."""
    ad = make_ad(frequency_cap=1)
    assert client.post(SERVE).status_code == 405
    asked = {"event_id": str(ad.event_id), "placement": "EVENT_HERO", "session_token": "tab-1"}
    agent = {"User-Agent": BROWSER}
    before = decisions()
    for _ in range(2):
        head = client.head(SERVE, asked, headers=agent)
        assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", "application/json")
    assert client.head(SERVE, {"placement": "x"}).status_code == 400
    assert decisions() == before
    assert len(serve(client, ad.event_id, session_token="tab-1", headers=agent).json()["ads"]) == 1
    assert decisions() == before + 1


def decisions() -> float:
    """Return how many decisions this process has made."""
    names = ("filled", "empty", "degraded")
    told = (REGISTRY.get_sample_value("marquee_ads_decisions_total", {"outcome": name}) for name in names)
    return sum(number or 0 for number in told)


QUERY = """
query ($event: ID!, $session: ID, $placement: AdPlacementEnum!, $token: String, $limit: Int) {
  adsForContext(eventId: $event, sessionId: $session, placement: $placement, sessionToken: $token, limit: $limit) {
    id name contentType mediaUrl clickUrl trackedClickUrl displayDuration aspectRatio token degraded
  }
}
"""


def ask(client: Client, *, headers: Any = None, **variables: Any) -> Any:
    """Ask for ads over GraphQL."""
    body = {"query": QUERY, "variables": {"placement": "EVENT_HERO", "token": "tab-1", **variables}}
    return client.post("/graphql", body, content_type="application/json", headers=headers or {}).json()


def test_graphql_says_the_same(client: Client) -> None:
    """Field by field what REST says, in camelCase (REQ AD-02)."""
    event = make_event()
    session = make_session(event=event)
    ad = make_ad(event, target_sessions=[session.pk])
    [graph] = ask(client, event=str(event.pk), session=str(session.pk))["data"]["adsForContext"]
    [rest] = serve(client, event.pk, session_id=session.pk, session_token="tab-1").json()["ads"]
    token = tokens.read(graph["token"])
    assert (token.viewer, token.ad_id, token.session_id) == (viewer_of(None, "tab-1"), ad.pk, session.pk)
    tracked = rest["tracked_click_url"].replace(rest["token"], graph["token"])
    assert graph == {
        "id": rest["id"], "name": rest["name"], "contentType": rest["content_type"], "mediaUrl": rest["media_url"],
        "clickUrl": rest["click_url"], "trackedClickUrl": tracked, "displayDuration": 30, "aspectRatio": "16:9",
        "token": graph["token"], "degraded": False,
    }  # fmt: skip


def test_graphql_refuses_the_same(client: Client) -> None:
    """Limits, ids, tokens and events of others, by the same codes (REQ AD-02)."""
    ad = make_ad()
    event = str(ad.event_id)
    for variables, code, field in (
        ({"event": event, "limit": 11}, "invalid", "limit"),
        ({"event": event, "limit": 0}, "invalid", "limit"),
        ({"event": "x"}, "invalid", "eventId"),
        ({"event": event, "session": "x"}, "invalid", "sessionId"),
        ({"event": event, "token": "x" * 129}, "invalid", "sessionToken"),
    ):
        [error] = ask(client, **variables)["errors"]
        assert error["extensions"]["code"] == code
        assert [wrong["field"] for wrong in error["extensions"]["errors"]] == [field]
    for event_id in (uuid4(), make_ad(make_event(private=True)).event_id):
        [error] = ask(client, event=str(event_id))["errors"]
        assert error["extensions"]["code"] == "not_found"


def test_graphql_knows_who_is_signed_in(client: Client) -> None:
    """Their id before the session token; a private event for those who may see it (REQ AD-02)."""
    ad = make_ad(make_event(private=True))
    user = make_registration(ad.event).user
    [served] = ask(client, event=str(ad.event_id), headers=bearer(user))["data"]["adsForContext"]
    assert tokens.read(served["token"]).viewer == viewer_of(user.pk, None)


def test_the_schedule_is_of_the_real_clock(client: Client) -> None:
    """The door reads the clock (REQ AD-02)."""
    now = clock.now()
    event = make_event()
    make_ad(event, ends_at=now)
    make_ad(event, starts_at=now.replace(year=now.year + 1))
    running = make_ad(event, starts_at=now)
    assert [ad["id"] for ad in serve(client, event.pk, limit=3).json()["ads"]] == [str(running.pk)]
