"""Experiments by REST and GraphQL: who gets in, what is answered, what front ends are told."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Membership, User
from accounts.tests.factories import bearer, make_member, make_superuser, make_user
from analytics.models import Experiment, Exposure
from analytics.services.experiments.defining import start_experiment, stop_experiment
from analytics.tests.experiments import make_experiment, people, said, tokens_of
from common import clock
from common.types import SYSTEM
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

URL = "/api/v1/ab-tests"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}
BODY = {
    "slug": "button", "name": "Button color", "minimum_sample": 50,
    "variants": [{"id": "control", "name": "Blue"}, {"id": "green", "name": "Green", "weight": 3}],
}  # fmt: skip


def running(event: Event | None = None, **given: Any) -> Experiment:
    """Return an experiment that runs by the real clock, which the doors read."""
    made = make_experiment(event, **given)
    return start_experiment(actor=SYSTEM, ref=made.slug, now=clock.now() - timedelta(hours=1))


def member_of(event: Event, role: str) -> User:
    """Return a member of the event's organization."""
    return make_member(role, organization=event.organization)


def call(user: User | None, method: str, path: str = "", body: Any = None) -> Any:
    """Call a door of experiments."""
    more = {} if method == "get" else {"content_type": "application/json"}
    client = Client(headers=bearer(user) if user else {})
    return getattr(client, method)(f"{URL}{path}", body if body is not None else {}, **more)


def track(
    *events: dict[str, Any], headers: dict[str, str] = BROWSER, kind: str = "text/plain", **body: Any
) -> Any:
    """Tell as a browser's beacon does."""
    raw = json.dumps({"events": events, **body})
    return Client().post(f"{URL}/track", raw, content_type=kind, headers=headers)


def running_by_doors(event: Event) -> None:
    """Define an experiment and start it, as its people do."""
    made = call(member_of(event, "staff"), "post", "", {**BODY, "event_id": str(event.pk)})
    assert made.status_code == 201
    assert (
        call(member_of(event, "admin"), "post", "/button/start", {"reason": "Go"}).json()["status"]
        == "running"
    )


def test_a_draft_is_defined_changed_and_started() -> None:
    """REQ AN-08: by staff, started by an admin; from then on it does not change."""
    event = make_event()
    staff, admin = (member_of(event, role) for role in ("staff", "admin"))
    made = call(staff, "post", "", {**BODY, "event_id": str(event.pk)})
    assert made.status_code == 201
    shown = made.json()
    assert (shown["test_id"], shown["status"], shown["started_at"]) == ("button", "draft", None)
    assert shown["variants"] == [
        {"id": "control", "name": "Blue", "weight": 1}, {"id": "green", "name": "Green", "weight": 3},
    ]  # fmt: skip
    assert call(staff, "patch", "/button", {"hypothesis": "Green sells"}).json()["minimum_sample"] == 50
    assert call(staff, "put", f"/{shown['id']}", {**BODY, "minimum_sample": 10}).json()["hypothesis"] == ""
    assert call(admin, "post", "/button/start", {"reason": "Go"}).json()["status"] == "running"
    refused = call(staff, "patch", "/button", {"name": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "experiment_not_draft")
    assert (
        call(staff, "delete", "/button").status_code,
        call(admin, "post", "/button/start").status_code,
    ) == (409, 409)


def test_an_experiment_that_runs_is_told_of_read_and_stopped() -> None:
    """REQ AN-08: tracked by anybody, read by an analyst, stopped by an admin, archived by staff."""
    event = make_event()
    staff, admin, analyst = (member_of(event, role) for role in ("staff", "admin", "analyst"))
    running_by_doors(event)
    experiment = Experiment.objects.get()
    view = said(experiment, "me")
    goal = said(
        experiment, "me", "goal_conversion", goal_achieved=True, goal_value=1999, user_id=str(uuid4())
    )
    assert track(view, goal).json() == {"status": "accepted", "queued": 2, "duplicates": 0, "rejected": []}
    found = call(analyst, "get", "/button/results").json()
    assert (found["test_id"], found["status"], found["total_impressions"], found["total_conversions"]) == (
        "button", "collecting", 1, 1,
    )  # fmt: skip
    assert (found["winner"], found["confidence"], found["srm"]) == (None, None, {"p_value": None, "ok": True})
    [row] = [one for one in found["variants"] if one["variant_id"] == view["variant_id"]]
    assert (row["impressions"], row["conversions"], row["conversion_rate"]) == (1, 1, 100.0)
    assert row["revenue"] == {"amount": 1999, "currency": "USD"}
    assert call(admin, "post", "/button/stop").json()["status"] == "stopped"
    assert call(admin, "post", "/button/stop").json()["code"] == "experiment_not_running"
    assert call(staff, "delete", "/button").status_code == 204
    assert call(analyst, "get", "").json()["results"] == []
    assert [one["slug"] for one in call(analyst, "get", "?archived=true").json()["results"]] == ["button"]


# door: (method, path, body, roles that get in)
DOORS = {
    "list": ("get", "?event_id={event}", None, {"owner", "admin", "staff", "analyst"}),
    "read": ("get", "/{slug}", None, {"owner", "admin", "staff", "analyst"}),
    "results": ("get", "/{slug}/results", None, {"owner", "admin", "staff", "analyst"}),
    "define": ("post", "", {**BODY, "event_id": "{event}"}, {"owner", "admin", "staff"}),
    "change": ("patch", "/{slug}", {"name": "Other"}, {"owner", "admin", "staff"}),
    "archive": ("delete", "/{slug}", None, {"owner", "admin", "staff"}),
    "start": ("post", "/{slug}/start", {}, {"owner", "admin"}),
    "stop": ("post", "/{running}/stop", {}, {"owner", "admin"}),
}


def knock(door: str, user: User | None, event: Event, draft: Experiment, going: Experiment) -> Any:
    """Call a door of the table."""
    method, path, body, _ = DOORS[door]
    names = {"event": event.pk, "slug": draft.slug, "running": going.slug}
    said_so = json.loads(json.dumps(body).replace("{event}", str(event.pk)))
    return call(user, method, path.format(**names), said_so)


@pytest.mark.parametrize("door", DOORS)
def test_who_gets_in(door: str) -> None:
    """REQ EV-03: each door for each role; 401, 403 and 404 as the contract says, and nothing changed."""
    for role in ("scanner", "analyst", "staff", "owner"):
        event = make_event()
        draft, going = make_experiment(event), running(event)
        answer = knock(door, member_of(event, role), event, draft, going)
        if role in DOORS[door][3]:
            assert answer.status_code in {200, 201, 204}, role
            Experiment.objects.filter(slug="button").update(slug=f"button-{role}")
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), role
    event = make_event()
    draft, going = make_experiment(event), running(event)
    before = list(Experiment.objects.order_by("pk").values())
    for user, status in ((None, 401), (make_member("owner"), 404), (make_user(), 404)):
        assert knock(door, user, event, draft, going).status_code == status, user
    assert list(Experiment.objects.order_by("pk").values()) == before
    assert knock(door, make_superuser(), event, draft, going).status_code in {200, 201, 204}


def test_what_is_not_there() -> None:
    """REQ EV-03: as another organization's."""
    user = make_member("owner")
    for ref in ("nothing", str(uuid4())):
        assert call(user, "get", f"/{ref}/results").status_code == 404
    assert call(user, "get", f"?event_id={uuid4()}").status_code == 404
    assert call(None, "get", "/nothing").status_code == 401


def test_lists_are_of_ones_own_organizations_in_pages() -> None:
    """REQ AN-08: filters, pages within bounds, and what is misspelt is an error."""
    event, other = make_event(), make_event()
    for one in (event, other):
        make_experiment(one, name="Button color")
        running(one, name="Headline")
    user = member_of(event, "analyst")
    assert call(user, "get").json()["count"] == 2
    assert [one["name"] for one in call(user, "get", "?status=running").json()["results"]] == ["Headline"]
    assert [one["name"] for one in call(user, "get", "?search=BUTTON").json()["results"]] == ["Button color"]
    page = call(user, "get", "?limit=1&offset=1").json()
    assert (page["count"], len(page["results"]), page["next"]) == (2, 1, None)
    for wrong in ("?limit=0", "?limit=201", "?state=running", "?status=over", "?event_id=1"):
        assert call(user, "get", wrong).status_code == 400, wrong


def test_front_ends_are_told_what_runs() -> None:
    """REQ AN-08: anybody who may see the event; no drafts, nothing over, no figures."""
    event = make_event()
    going = running(event, weights=(1, 3))
    make_experiment(event)
    stop_experiment(actor=SYSTEM, ref=running(event).slug, now=clock.now())
    answer = Client().get(f"/api/v1/events/{event.pk}/ab-tests")
    assert answer.json() == {
        "results": [{"test_id": going.slug, "variants": [{"id": "a", "weight": 1}, {"id": "b", "weight": 3}]}]
    }
    private = make_event(visibility="private")
    assert Client().get(f"/api/v1/events/{private.pk}/ab-tests").status_code == 404


def test_each_event_of_a_batch_is_answered() -> None:
    """REQ AN-08: camelCase, clocks that are off, what is no event, what is not this session's; the rest counts."""
    experiment = running()
    token = next(tokens_of(experiment, "a"))
    behind = clock.now() - timedelta(days=40)
    camel = {
        "testId": experiment.slug, "eventId": str(experiment.event_id), "sessionToken": token, "variantId": "a",
        "eventType": "variant_view", "timestamp": int(behind.timestamp() * 1000), "goalAchieved": False,
    }  # fmt: skip
    answer = track(
        camel, 5, said(experiment, token, variant="b"), said(experiment, token, goal_value=-1),
        said(experiment, token, "purchase"), said(experiment, token),
        sent_at=(behind + timedelta(seconds=5)).isoformat(),
    )  # fmt: skip
    assert answer.status_code == 202
    told = answer.json()
    assert (told["queued"], told["duplicates"]) == (1, 1)
    assert [(one["index"], one["code"]) for one in told["rejected"]] == [
        (1, "invalid"), (2, "wrong_variant"), (3, "invalid"), (4, "invalid"),
    ]  # fmt: skip
    assert abs(Exposure.objects.get().seen_at - clock.now()) < timedelta(minutes=1)


def test_a_batch_has_its_limits() -> None:
    """REQ AN-08: 500 events, a megabyte, POST; robots are told so; nothing of it is kept."""
    experiment = running()
    view = said(experiment, "me")
    assert track(*[view] * 501).json()["errors"][0]["field"] == "events"
    assert (
        Client().post(f"{URL}/track", b" " * (1024 * 1024 + 1), content_type="text/plain").status_code == 413
    )
    assert Client().post(f"{URL}/track", "{", content_type="text/plain").status_code == 400
    assert Client().get(f"{URL}/track").status_code == 405
    for agent in ("Googlebot/2.1 (+http://www.google.com/bot.html)", ""):
        assert [one["code"] for one in track(view, headers={"User-Agent": agent}).json()["rejected"]] == [
            "bot"
        ]
    assert not Exposure.objects.exists()
    assert track(*[view] * 500).json()["duplicates"] == 499


_QUERY = """query($id: ID!) { abTestResults(testId: $id) {
    testId status totalImpressions totalConversions pValue pValueAlwaysValid srm { pValue ok } winner confidence
    recommendation refused { reason count }
    variants { variantId impressions conversions conversionRate confidenceLevel interval { low high }
        lift revenue { amount currency } } } }"""


def ask(user: User | None, ref: str) -> Any:
    """Ask for the results on GraphQL."""
    body = {"query": _QUERY, "variables": {"id": ref}}
    client = Client(headers=bearer(user) if user else {})
    return client.post("/graphql", body, content_type="application/json").json()


def test_graphql_mirrors_rest() -> None:
    """REQ AN-08: the same answer in camelCase, the same refusals."""
    experiment = running(minimum_sample=10)
    people(experiment, (231, 123), (262, 133), value=250)
    analyst = member_of(experiment.event, "analyst")

    theirs = ask(analyst, experiment.slug)["data"]["abTestResults"]
    ours = call(analyst, "get", f"/{experiment.pk}/results").json()
    assert theirs["status"] == ours["status"].upper() == "RUNNING"
    for name, other in (
        ("testId", "test_id"), ("totalImpressions", "total_impressions"), ("pValue", "p_value"),
        ("recommendation", "recommendation"), ("winner", "winner"), ("pValueAlwaysValid", "p_value_always_valid"),
    ):  # fmt: skip
        assert theirs[name] == ours[other], name
    assert theirs["srm"] == {"pValue": ours["srm"]["p_value"], "ok": True}
    for one, other in zip(theirs["variants"], ours["variants"], strict=True):
        assert (one["variantId"], one["conversionRate"], one["interval"], one["revenue"]) == (
            other["variant_id"], other["conversion_rate"], other["interval"], other["revenue"],
        )  # fmt: skip
    for user, code in ((None, "unauthenticated"), (make_member("owner"), "not_found")):
        assert ask(user, experiment.slug)["errors"][0]["extensions"]["code"] == code
    Membership.objects.filter(user=analyst).update(role="scanner")
    assert ask(analyst, experiment.slug)["errors"][0]["extensions"]["code"] == "forbidden"
