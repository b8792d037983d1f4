"""Front ends on other hosts: who may tell events from there, with and without asking first. REQ AN-01."""

import json

import pytest
from django.test import Client

from analytics.models import RawEvent
from analytics.services.known import known
from analytics.tests.experiments import make_experiment, said
from analytics.tests.factories import make_place, told
from common import clock

pytestmark = pytest.mark.django_db

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ALLOWED, FOREIGN = "https://shop.test", "https://else.test"
DOORS = ("/api/v1/analytics/track", "/api/v1/ab-tests/track")


@pytest.fixture(autouse=True)
def _allowed(settings):
    """One other site may tell, and no test's events are remembered."""
    settings.CORS_ALLOWED_ORIGINS = [ALLOWED]
    known.forget()


@pytest.mark.parametrize("door", DOORS)
def test_a_preflight_lets_the_sites_of_the_list_in(client: Client, door: str) -> None:
    """JSON from another site is asked for first: the list's are answered by name, others get no leave at all."""
    asked = {
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "content-type",
        "HTTP_USER_AGENT": BROWSER,
    }
    answer = client.options(door, HTTP_ORIGIN=ALLOWED, **asked)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ALLOWED
    assert "POST" in answer["Access-Control-Allow-Methods"]
    assert "content-type" in answer["Access-Control-Allow-Headers"]
    assert "origin" in answer["Vary"].lower()
    assert "Access-Control-Allow-Credentials" not in answer
    refused = client.options(door, HTTP_ORIGIN=FOREIGN, **asked)
    assert not [name for name in refused.headers if name.startswith("Access-Control-Allow")]


@pytest.mark.parametrize("origin", [ALLOWED, FOREIGN, "null"])
@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded"])
def test_a_beacon_arrives_without_asking(client: Client, origin: str, content_type: str) -> None:
    """A beacon is sent unasked; its answer is readable by the sites of the list alone. No cookie is needed or set."""
    place = make_place()
    body = json.dumps({"events": [told(place, timestamp=clock.now().isoformat())]})
    answer = Client(enforce_csrf_checks=True).post(
        DOORS[0], body.encode(), content_type=content_type, HTTP_ORIGIN=origin, HTTP_USER_AGENT=BROWSER
    )
    assert (answer.status_code, answer.json()["queued"]) == (202, 1)
    assert answer.headers.get("Access-Control-Allow-Origin") == (ALLOWED if origin == ALLOWED else None)
    assert not answer.cookies
    assert RawEvent.objects.count() == 1


def test_a_beacon_of_an_experiment(client: Client) -> None:
    """The door of experiments does the same. REQ AN-08."""
    experiment = make_experiment(running=True)
    now = clock.now().isoformat()
    body = json.dumps({"sent_at": now, "events": [said(experiment, "tab", timestamp=now)]})
    for origin, named in ((ALLOWED, ALLOWED), (FOREIGN, None)):
        answer = client.post(
            DOORS[1], body, content_type="text/plain", HTTP_ORIGIN=origin, HTTP_USER_AGENT=BROWSER
        )
        assert answer.status_code == 202
        assert answer.headers.get("Access-Control-Allow-Origin") == named
